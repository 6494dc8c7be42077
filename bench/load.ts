import { connect, type Socket } from 'node:net';
import { generate } from 'mqtt-packet';

/** What one message carries: one frame of five values, or an array of fifty such frames. */
export const FRAMES = { single: 1, batch: 50 } as const;
export type LoadKind = keyof typeof FRAMES;
export const VALUES_PER_FRAME = 5;

export interface Load {
  readonly port: number;
  readonly kind: LoadKind;
  readonly messages: number;
  /** Readings are spread over meters `m-00000` onwards, one meter a message. */
  readonly meters: number;
  /** Time of the first reading, ms; a meter's next frame is one second later. Null: each message carries the time it is sent. */
  readonly firstTs: number | null;
  /** Messages a second, or null for as fast as the broker takes them. */
  readonly rate: number | null;
  /** How often the messages are sent, each time with registers that went on; for single frames without a time of their own. Default once. */
  readonly passes?: number;
}

export interface LoadResult {
  readonly startedAt: number;
  readonly endedAt: number;
  readonly acknowledged: number;
  readonly bytes: number;
}

export const PARK = 'bench';
export const meterId = (index: number): string => `m-${String(index).padStart(5, '0')}`;
export const topicOf = (index: number): string => `parks/${PARK}/meters/${meterId(index)}/readings`;

const LOADS_BEGIN = Date.UTC(2026, 0, 1);

// The broker bounds ids at 16 bits; staying well below keeps an id from being reused while its PUBACK is under way.
const WINDOW = 8000;
const RECEIVE_BYTES = 64 << 10;
/** Acknowledgements are looked at so often, in milliseconds: each for itself would wake the publisher, at the cost of whoever is measured. */
const REST_MS = 1;
const TS_DIGITS = 13;
const REGISTER_STEP = 0.25;
/** Shorter than the pauses of any meter in a load that is stamped as it is sent. */
const REGISTER_STEP_MS = 100;
/** What stands between the digits of the time and those of the register. */
const TO_REGISTER = ',"values":{"active_energy_import":';

/**
 * Publishes a prepared load with QoS 1 over one plain socket and waits for every PUBACK. Packets are serialised before the clock
 * starts, so that the publisher costs the measured side as little CPU as possible.
 */
export async function publishLoad(load: Load): Promise<LoadResult> {
  const packets = prepare(load);
  const all = load.messages * (load.passes ?? 1);
  const { socket, onBytes } = await signIn(load.port);
  const startedAt = Date.now();
  let sent = 0;
  let acknowledged = 0;
  await new Promise<void>((resolve, reject) => {
    let rest = 0;
    let timer: NodeJS.Timeout | undefined;
    const pump = () => {
      const due = load.rate === null ? all : Math.min(all, Math.floor(((Date.now() - startedAt) / 1000) * load.rate));
      const until = Math.min(due, acknowledged + WINDOW);
      while (sent < until) {
        // One write for what may go now, in pieces that the socket likes.
        const pass = Math.floor(sent / load.messages);
        const first = sent - pass * load.messages;
        const end = Math.min(load.messages, first + until - sent, first + 512);
        if (load.firstTs === null) for (let i = first; i < end; i++) stampNow(packets, i);
        if (pass > 0) for (let i = first; i < end; i++) moveOn(packets, i);
        const more = socket.write(packets.bytes.subarray(packets.offsets[first], packets.offsets[end]));
        sent += end - first;
        if (!more) break;
      }
    };
    socket.on('drain', pump);
    onBytes((length) => {
      // A PUBACK of MQTT 3.1.1 is four bytes.
      rest += length;
      acknowledged += Math.floor(rest / 4);
      rest %= 4;
      if (acknowledged === all) {
        clearInterval(timer);
        resolve();
      } else if (load.rate === null) pump();
    });
    socket.on('error', reject);
    socket.on('close', () => reject(new Error(`the broker closed the publisher after ${acknowledged} of ${all}`)));
    if (load.rate !== null) timer = setInterval(pump, 5);
    pump();
  });
  const endedAt = Date.now();
  socket.removeAllListeners('close');
  socket.end(generate({ cmd: 'disconnect' }));
  return { startedAt, endedAt, acknowledged, bytes: packets.bytes.length };
}

interface Packets {
  readonly bytes: Buffer;
  readonly offsets: readonly number[];
  /** Where the time's digits stand in each packet (single frames only). */
  readonly stamps: readonly number[];
  /** What each packet's register shows, and by how much all of them go on from one pass to the next. */
  readonly registers: Float64Array;
  readonly advance: number;
}

function prepare(load: Load): Packets {
  const parts: Buffer[] = [];
  const offsets: number[] = [0];
  const stamps: number[] = [];
  let at = 0;
  const frames = FRAMES[load.kind];
  const base = load.firstTs ?? Date.now();
  // The registers go on from load to load: one that began again would be looked into as a reset.
  const begin = Math.round((base - LOADS_BEGIN) / REGISTER_STEP_MS);
  const round = new Map<number, number>();
  for (let i = 0; i < load.messages; i++) {
    const meter = i % load.meters;
    const first = round.get(meter) ?? 0;
    round.set(meter, first + frames);
    const texts: string[] = [];
    for (let k = 0; k < frames; k++) texts.push(frame(base + (first + k) * 1000, meter, begin + first + k));
    const payload = load.kind === 'single' ? (texts[0] as string) : `[${texts.join(',')}]`;
    const packet = generate({ cmd: 'publish', topic: topicOf(meter), payload, qos: 1, dup: false, retain: false, messageId: (i % 65535) + 1 });
    stamps.push(at + packet.length - payload.length + '{"ts":'.length);
    parts.push(packet);
    at += packet.length;
    offsets.push(at);
  }
  const registers = Float64Array.from(stamps, (_, i) => registerOf(i % load.meters, begin + Math.floor(i / load.meters)));
  return { bytes: Buffer.concat(parts), offsets, stamps, registers, advance: Math.ceil(load.messages / load.meters) * REGISTER_STEP };
}

const registerOf = (meter: number, n: number): number => 1000 + meter + n * REGISTER_STEP;

function frame(ts: number, meter: number, n: number): string {
  const energy = registerOf(meter, n).toFixed(2);
  const power = (300 + ((meter * 7 + n * 13) % 1000) / 10).toFixed(1);
  const voltage = (225 + ((meter + n * 3) % 100) / 10).toFixed(1);
  const current = (40 + ((meter * 3 + n) % 500) / 100).toFixed(2);
  const factor = (0.9 + ((meter + n) % 90) / 1000).toFixed(3);
  return `{"ts":${ts}${TO_REGISTER}${energy},"active_power":${power},"voltage_a":${voltage},"current_a":${current},"power_factor":${factor}}}`;
}

function stampNow(packets: Packets, index: number): void {
  packets.bytes.write(String(Date.now()), packets.stamps[index] ?? 0, TS_DIGITS, 'latin1');
}

/** Over the digits of the pass before, which are as many: a register of seven digits lasts for months. */
function moveOn({ bytes, stamps, registers, advance }: Packets, index: number): void {
  const before = registers[index] as number;
  registers[index] = before + advance;
  const text = (before + advance).toFixed(2);
  if (text.length !== before.toFixed(2).length) throw new Error('a register came to one digit more than was prepared');
  bytes.write(text, (stamps[index] ?? 0) + TS_DIGITS + TO_REGISTER.length, 'latin1');
}

/** The socket of a client that the broker has taken, and who is told how many bytes have come from then on. */
function signIn(port: number): Promise<{ readonly socket: Socket; onBytes(told: (length: number) => void): void }> {
  return new Promise((resolve, reject) => {
    const buffer = Buffer.allocUnsafeSlow(RECEIVE_BYTES);
    let told = (length: number) => {
      socket.removeListener('error', reject);
      const connack = buffer.subarray(0, length);
      if (connack[0] !== 0x20 || connack[3] !== 0) reject(new Error(`the broker refused the publisher: ${connack.toString('hex')}`));
      resolve({
        socket,
        onBytes: (listener) => {
          told = listener;
        },
      });
    };
    const callback = (length: number) => {
      told(length);
      setTimeout(() => socket.resume(), REST_MS);
      return false;
    };
    const socket = connect({ port, host: '127.0.0.1', onread: { buffer, callback } });
    socket.setNoDelay(true);
    socket.once('error', reject);
    socket.once('connect', () =>
      socket.write(generate({ cmd: 'connect', clientId: `bench-load-${process.pid}`, protocolVersion: 4, clean: true, keepalive: 0 })),
    );
    // 'close' is told of a socket that flows alone.
    socket.resume();
  });
}
