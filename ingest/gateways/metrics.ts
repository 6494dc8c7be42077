import type { GatewayBook } from './book.ts';
import type { GatewayTraffic } from './traffic.ts';

/** The label of what no registered gateway has vouched for: no gateway can have this id. */
const OTHERS = '(other)';

interface Series {
  readonly name: string;
  readonly type: 'counter' | 'gauge';
  readonly help: string;
  /** null: there is no such sample of this gateway. */
  readonly value: (traffic: GatewayTraffic, isConnected: (traffic: GatewayTraffic) => boolean | null) => number | null;
}

const SERIES: readonly Series[] = [
  { name: 'greenpark_gateway_messages_total', type: 'counter', help: 'Messages taken.', value: ({ messages }) => messages },
  { name: 'greenpark_gateway_readings_total', type: 'counter', help: 'Readings taken, repeats among them included.', value: ({ readings }) => readings },
  { name: 'greenpark_gateway_refused_total', type: 'counter', help: 'Values or messages refused.', value: ({ refused }) => refused },
  {
    name: 'greenpark_gateway_left_out_total',
    type: 'counter',
    help: 'Messages of which nothing was kept, as the mapping leaves out everything in them; absent where none was.',
    value: ({ leftOut }) => (leftOut === 0 ? null : leftOut),
  },
  { name: 'greenpark_gateway_received_bytes_total', type: 'counter', help: 'Payloads, in bytes.', value: ({ bytes }) => bytes },
  { name: 'greenpark_gateway_held_total', type: 'counter', help: 'Times that it was made to wait.', value: ({ held }) => held },
  {
    name: 'greenpark_gateway_tolerated_total',
    type: 'counter',
    help: "HJ 212 frames with a wrong CRC or length that were taken, as the gateway's link says; absent where none was.",
    value: ({ tolerated }) => (tolerated === 0 ? null : tolerated),
  },
  {
    name: 'greenpark_gateway_last_seen_timestamp_seconds',
    type: 'gauge',
    help: 'When its last message came; 0 where none has since the start.',
    value: ({ lastSeen }) => lastSeen / 1000,
  },
  {
    name: 'greenpark_gateway_connected',
    type: 'gauge',
    help: '1 while it is connected, 0 while it is not; absent where nobody knows.',
    value: (traffic, isConnected) => {
      const connected = isConnected(traffic);
      return connected === null ? null : Number(connected);
    },
  },
];

/** In Prometheus' text format, without prom-client: there may be ten thousand gateways, and it takes some microseconds for every sample. */
export function gatewayMetrics(book: GatewayBook): string {
  const all = [...book.registered, book.others];
  const isConnected = book.connections();
  let text = '';
  for (const { name, type, help, value } of SERIES) {
    text += `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`;
    for (const traffic of all) {
      const found = value(traffic, isConnected);
      // Ids hold nothing that had to be escaped.
      if (found !== null) text += `${name}{gateway="${traffic.gateway ?? OTHERS}"} ${found}\n`;
    }
  }
  return text;
}
