import { Ajv } from 'ajv';
import mqtt from 'mqtt';
import { VALUES_PER_FRAME } from './load.ts';

/**
 * The limit that Greenpark is held against: a child process that only counts the same messages (`count`), or parses and checks
 * them as well (`parse`), acknowledging each as mqtt.js does by itself. Says `ready`, `warm` after the first messages, and `done` after the measured ones.
 */
const [port, mode, warmUp, measured] = [Number(process.argv[2]), process.argv[3], Number(process.argv[4]), Number(process.argv[5])];

const validate = new Ajv().compile({
  type: 'array',
  items: {
    type: 'object',
    required: ['ts', 'values'],
    properties: { ts: { type: 'integer' }, values: { type: 'object', additionalProperties: { type: 'number' } } },
    additionalProperties: false,
  },
});

let messages = 0;
let frames = 0;
const client = mqtt.connect({
  port,
  host: '127.0.0.1',
  clientId: `bench-limit-${process.pid}`,
  protocolVersion: 5,
  clean: true,
  properties: { receiveMaximum: 20_000 },
});
client.on('message', (_topic, payload) => {
  messages++;
  if (mode === 'parse') {
    const parsed: unknown = JSON.parse(payload.toString());
    const list = Array.isArray(parsed) ? parsed : [parsed];
    if (!validate(list)) throw new Error('the load is not what the schema says');
    frames += list.length;
  }
  if (messages === warmUp) process.send?.({ kind: 'warm', at: Date.now() });
  if (messages === warmUp + measured) {
    process.send?.({ kind: 'done', at: Date.now(), readings: frames * VALUES_PER_FRAME });
    client.end();
  }
});
client.on('connect', () => client.subscribe('parks/+/meters/+/readings', { qos: 1 }, () => process.send?.({ kind: 'ready' })));
