import { INTERVALS } from '../meters.ts';
import { ambientAt, type DailyEvent, type NoiseSpec, outfallAt, rainOver, type StackSpec, soundAt, stackAt } from '../physics/environment.ts';
import type { Flow } from '../physics/signal.ts';
import type { Weather } from '../physics/weather.ts';
import { type Reader, shown } from './electric.ts';

const event = (stream: number, between: readonly [number, number], minutes: number, height: readonly [number, number]): DailyEvent => ({
  stream,
  between,
  minutes,
  height,
});

/** The kiln's burners drift twice a day for some twenty minutes; NOₓ then passes 240 mg/m³. */
const KILN_EVENTS: readonly DailyEvent[] = [event(7101, [8, 11.5], 22, [105, 150]), event(7111, [14, 20], 22, [105, 150])];
/** Once a day a surge of strong effluent takes the outfall's COD over 40 mg/L. */
const COD_EVENT: DailyEvent = event(7201, [9.5, 18], 40, [22, 28]);
/** Lorries at the cold store's night gate: the north boundary passes 55 dB(A) for a while. */
const NIGHT_NOISE_EVENT: DailyEvent = event(7301, [22.5, 27.5], 35, [58, 61]);

const STACK_SPECS: readonly StackSpec[] = [
  { stream: 7100, so2: 34, nox: 172, dust: 9, nmhc: null, oxygen: 16.1, temperature: 148, area: 1.6, noxEvents: KILN_EVENTS },
  { stream: 7150, so2: 6, nox: 48, dust: 4, nmhc: 24, oxygen: 18.9, temperature: 92, area: 0.9, noxEvents: [] },
];

const NOISE_SPECS: readonly NoiseSpec[] = [
  { stream: 7310, day: 58.5, night: 50, event: null },
  { stream: 7320, day: 60, night: 51, event: null },
  { stream: 7330, day: 57, night: 49.5, event: null },
  { stream: 7340, day: 50.5, night: 46, event: NIGHT_NOISE_EVENT },
];

const rounded = (values: Record<string, number>, digits: number): Record<string, number> => {
  for (const name of Object.keys(values)) values[name] = shown(values[name] as number, digits);
  return values;
};

/** The environment's instruments, by meter id. */
export function environmentReaders(parts: {
  readonly seed: number;
  readonly weather: Weather;
  readonly outfall: Flow;
  readonly stackFlows: readonly Flow[];
}): ReadonlyMap<string, Reader> {
  const { seed, weather, outfall, stackFlows } = parts;
  const meteorology: Reader = (ts) => ({
    air_temperature: shown(weather.temperature.at(ts), 1),
    air_humidity: shown(weather.humidity(ts), 1),
    air_pressure: shown(weather.pressure(ts), 1),
    wind_speed: shown(weather.windSpeed(ts), 1),
    wind_direction: shown(weather.windDirection(ts), 0),
  });
  const readers = new Map<string, Reader>();
  readers.set('lq-air', (ts) => {
    const air = ambientAt(weather, seed, ts);
    return {
      pm2_5: shown(air.pm2_5, 1),
      pm10: shown(air.pm10, 1),
      so2: shown(air.so2, 1),
      no2: shown(air.no2, 1),
      co: shown(air.co, 3),
      o3: shown(air.o3, 1),
      ...meteorology(ts),
    };
  });
  readers.set('lq-mast', (ts) => ({
    ...meteorology(ts),
    irradiance: shown(weather.irradiance.at(ts), 1),
    precipitation: shown(rainOver(weather, ts, INTERVALS.weather * 1000), 3),
  }));
  STACK_SPECS.forEach((spec, at) => {
    const flow = stackFlows[at];
    if (flow !== undefined) readers.set(`lq-stack${at + 1}`, (ts) => rounded(stackAt(spec, flow.at(ts), seed, ts), 2));
  });
  readers.set('lq-out1', (ts) => ({
    ...rounded(outfallAt({ stream: 7200, codEvent: COD_EVENT }, weather.temperature.at(ts), seed, ts), 3),
    outfall_flow: shown(outfall.at(ts), 2),
    outfall_volume: shown(10_000 + outfall.total(ts), 2),
  }));
  NOISE_SPECS.forEach((spec, at) => {
    readers.set(`lq-n${at + 1}`, (ts) => ({ sound_level: shown(soundAt(spec, seed, ts), 1) }));
  });
  return readers;
}
