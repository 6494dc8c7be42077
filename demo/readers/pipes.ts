import { knotsAt } from '../physics/calendar.ts';
import { smooth } from '../physics/noise.ts';
import type { Flow } from '../physics/signal.ts';
import type { Weather } from '../physics/weather.ts';
import { type Reader, shown } from './electric.ts';

/** Meters of what comes through a pipe: the register and the rate that it counts. */
export function pipeReading(kind: 'water' | 'gas' | 'heat' | 'steam', flow: Flow, begun: number, seed: number, stream: number, weather: Weather): Reader {
  switch (kind) {
    case 'water':
      return (ts) => ({ water_volume: shown(begun + flow.total(ts), 3), water_flow: shown(flow.at(ts), 3) });
    case 'gas':
      return (ts) => ({ gas_volume: shown(begun + flow.total(ts), 3), gas_flow: shown(flow.at(ts), 3) });
    case 'steam':
      return (ts) => ({ steam_mass: shown(begun + flow.total(ts), 4), steam_flow: shown(flow.at(ts), 4) });
    case 'heat':
      return (ts) => {
        const supply = 92 - 0.6 * (weather.temperature.at(ts) - 5) + 0.8 * smooth(seed, stream + 20, knotsAt(ts) / 3);
        return {
          heat_energy: shown(begun + flow.total(ts), 4),
          heat_power: shown(flow.at(ts), 4),
          flow_temperature: shown(supply, 1),
          return_temperature: shown(supply - 27 - 2 * smooth(seed, stream + 21, knotsAt(ts) / 5), 1),
        };
      };
  }
}
