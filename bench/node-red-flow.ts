/** Points that are written at once, and how long a smaller lot waits at most, in milliseconds. */
const LOT = 5000;
const LOT_AFTER_MS = 100;
export const DATABASE = 'nodered';

/**
 * What an integrator would draw to bring the same messages into InfluxDB: mqtt in, a function that makes points and gathers them,
 * and a batched InfluxDB out. QoS 1 with a persistent session, as for Greenpark.
 */
export function flowFor({ brokerPort, influxPort, topic }: { readonly brokerPort: number; readonly influxPort: number; readonly topic: string }) {
  return [
    { id: 'tab', type: 'tab', label: 'ingest' },
    {
      ...{ id: 'broker', type: 'mqtt-broker', name: '', broker: '127.0.0.1', port: String(brokerPort), clientid: 'node-red', autoConnect: true },
      ...{ usetls: false, protocolVersion: '5', keepalive: '60', cleansession: false, sessionExpiry: '3600' },
    },
    {
      ...{ id: 'influx', type: 'influxdb', hostname: '127.0.0.1', port: String(influxPort), protocol: 'http', database: DATABASE, name: '' },
      ...{ usetls: false, tls: '', influxdbVersion: '1.x', url: '', rejectUnauthorized: false },
    },
    {
      ...{ id: 'in', type: 'mqtt in', z: 'tab', name: '', topic, qos: '1', datatype: 'json', broker: 'broker', nl: false, rap: true, rh: 0, inputs: 0 },
      ...{ x: 100, y: 100, wires: [['points']] },
    },
    {
      ...{ id: 'points', type: 'function', z: 'tab', name: 'points', outputs: 1, timeout: 0, noerr: 0, libs: [], x: 300, y: 100, wires: [['out']] },
      initialize: `
        context.lot = [];
        context.flush = () => {
          if (context.lot.length === 0) return;
          const payload = context.lot;
          context.lot = [];
          node.send({ payload });
        };
        context.timer = setInterval(context.flush, ${LOT_AFTER_MS});`,
      func: `
        const meter = msg.topic.split('/')[3];
        const readings = Array.isArray(msg.payload) ? msg.payload : [msg.payload];
        for (const { ts, values } of readings) {
          if (!Number.isInteger(ts) || typeof values !== 'object' || values === null) { node.warn('not a reading: ' + msg.topic); continue; }
          context.lot.push({ measurement: 'readings', tags: { meter }, fields: values, timestamp: new Date(ts) });
        }
        if (context.lot.length >= ${LOT}) context.flush();
        return null;`,
      finalize: 'clearInterval(context.timer);',
    },
    {
      ...{ id: 'out', type: 'influxdb batch', z: 'tab', influxdb: 'influx', precision: '', retentionPolicy: '', name: '', x: 500, y: 100, wires: [] },
      ...{ database: DATABASE, precisionV18FluxV20: 'ms', retentionPolicyV18Flux: '', org: '', bucket: '' },
    },
  ];
}
