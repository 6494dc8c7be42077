import { request } from 'node:http';
import { quantityOf } from '../model/quantities.ts';
import { ReadingBlockBuilder } from '../model/reading.ts';
import { LineText } from '../store/influx/line-text.ts';
import { LineWriter } from '../store/influx/lines.ts';
import type { Influx } from '../test/servers/influx.ts';
import { type BenchResult, median } from './figures.ts';
import { FRAMES, meterId, VALUES_PER_FRAME } from './load.ts';
import { figuresOf, METERS, measureGreenpark, openBenchInflux, type Plan, startInflux, WARM_UP_SHARE } from './sides.ts';

const PLAN: Plan = { kind: 'batch', messages: 24_000 };
const GOAL = 0.6;
/** Values in one body, as Greenpark writes at most. */
const BODY_VALUES = 50_000;
/** Bodies under way at once. */
const CONNECTIONS = 2;
const QUANTITIES = ['active_energy_import', 'active_power', 'voltage_a', 'current_a', 'power_factor'] as const;

/** Greenpark into InfluxDB, against a loader that posts the same lines, prepared, to the same server and does nothing else. */
export async function benchInflux(rounds: number): Promise<BenchResult> {
  const limits: number[] = [];
  const ours: Awaited<ReturnType<typeof measureGreenpark>>[] = [];
  const perMessage = FRAMES[PLAN.kind] * VALUES_PER_FRAME;
  for (let round = 0; round < rounds; round++) {
    limits.push(await measureLoader(PLAN.messages * perMessage));
    ours.push(await measureGreenpark(PLAN, 'influx'));
  }
  const rates = ours.map(({ messagesPerSecond }) => messagesPerSecond * perMessage);
  const ratio = median(rates.map((rate, round) => rate / (limits[round] as number)));
  return {
    name: 'ingest-influx',
    figures: figuresOf(ours, PLAN),
    limit: median(limits),
    ratio,
    goal: GOAL,
    met: ratio >= GOAL && ours.every(({ published, stored }) => published === stored),
  };
}

/** Values per second of a program that holds every body ready. */
async function measureLoader(values: number): Promise<number> {
  const influx = await startInflux();
  try {
    // Makes the database.
    await (await openBenchInflux(influx)).close();
    const warmUp = Math.round(values * WARM_UP_SHARE);
    const first = bodies(warmUp, Date.UTC(2026, 0, 1));
    const measured = bodies(values, Date.UTC(2026, 0, 2));
    await post(influx, first);
    const began = performance.now();
    await post(influx, measured);
    return values / ((performance.now() - began) / 1000);
  } finally {
    await influx.remove();
  }
}

/** The load's readings as Greenpark's own lines: message after message, each of one meter. */
function bodies(values: number, from: number): Buffer[] {
  const codes = QUANTITIES.map((name) => quantityOf(name).code);
  const lines = new LineWriter({ idOf: (ordinal) => meterId(ordinal - 1), ordinalOf: () => undefined });
  const block = new ReadingBlockBuilder(BODY_VALUES);
  const text = new LineText();
  const frames = FRAMES[PLAN.kind];
  const made: Buffer[] = [];
  const end = () => {
    lines.writeLines(text, block.take());
    made.push(Buffer.from(text.bytes));
    text.clear();
  };
  for (let frame = 0; frame * VALUES_PER_FRAME < values; frame++) {
    const message = Math.floor(frame / frames);
    const meter = (message % METERS) + 1;
    const n = Math.floor(message / METERS) * frames + (frame % frames);
    const numbers = [1000 + meter + n * 0.25, 300 + ((meter * 7 + n * 13) % 1000) / 10, 225 + ((meter + n * 3) % 100) / 10, 40 + n / 100, 0.9];
    for (const [at, code] of codes.entries()) block.push(0, meter, code, from + n * 1000, Number((numbers[at] as number).toFixed(2)), 0);
    if (block.length >= BODY_VALUES) end();
  }
  if (block.length > 0) end();
  return made;
}

async function post(influx: Influx, all: readonly Buffer[]): Promise<void> {
  let next = 0;
  const work = async () => {
    for (let body = all[next++]; body !== undefined; body = all[next++]) await write(influx, body);
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, work));
}

function write({ url }: Influx, body: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    const call = request(`${url}/write?db=greenpark&precision=ms`, { method: 'POST', headers: { 'content-length': body.length } }, (answer) => {
      answer.resume().on('end', () => (answer.statusCode === 204 ? resolve() : reject(new Error(`InfluxDB answered ${answer.statusCode}`))));
    });
    call.on('error', reject).end(body);
  });
}
