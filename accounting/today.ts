import type { EnterpriseId, EpochMs, ParkId } from '../model/ids.ts';
import type { LiveFigures } from '../model/live.ts';
import { carbonOf } from './carbon.ts';
import type { CountedFlow } from './flows.ts';
import { CARRIER_UNITS, countersOf, flowOf } from './flows.ts';
import type { TallyDirectory, UsageTally } from './running-usage.ts';

interface Owner {
  readonly park: ParkId;
  readonly enterprise: EnterpriseId | null;
}

/** Figures since the zone's midnight, from the running usage alone: cheap enough to be asked every second. */
export class TodayFigures {
  readonly #usage: Pick<UsageTally, 'soFar' | 'isMetered'>;
  readonly #directory: { readonly current: TallyDirectory };
  #view: TallyDirectory | null = null;
  #flows = new Map<string, readonly CountedFlow[]>();

  constructor(usage: Pick<UsageTally, 'soFar' | 'isMetered'>, directory: { readonly current: TallyDirectory }) {
    this.#usage = usage;
    this.#directory = directory;
  }

  /** One entry per carrier and flow that a meter of the owner has reported. */
  today(owner: Owner, now: EpochMs): LiveFigures['today'] {
    return this.#flowsOf(owner)
      .filter((flow) => this.#usage.isMetered(owner, flow))
      .map(({ carrier, flow }) => ({ carrier, flow, amount: this.#usage.soFar(owner, carrier, flow, 'day', now), unit: CARRIER_UNITS[carrier] }));
  }

  /** Emissions with the factors behind them; null where nothing that emits is metered. */
  carbonToday(owner: Owner, now: EpochMs): LiveFigures['carbonToday'] {
    const park = this.#directory.current.parks.get(owner.park);
    if (park === undefined) return null;
    const year = Number(new Intl.DateTimeFormat('en', { year: 'numeric', timeZone: park.timeZone }).format(now));
    const { kg, factors } = carbonOf(this.today(owner, now), park.region, year);
    return kg === null ? null : { kg, factors };
  }

  #flowsOf({ park, enterprise }: Owner): readonly CountedFlow[] {
    const view = this.#directory.current;
    if (view !== this.#view) {
      this.#view = view;
      this.#flows = new Map();
    }
    const key = `${park}/${enterprise ?? ''}`;
    let flows = this.#flows.get(key);
    if (flows === undefined) {
      const found = new Map<string, CountedFlow>();
      for (const { kind } of enterprise === null ? view.metersOf(park) : view.metersOf(park, enterprise)) {
        for (const quantity of countersOf(kind)) {
          const flow = flowOf(kind, quantity);
          if (flow !== null) found.set(`${flow.carrier}/${flow.flow}`, flow);
        }
      }
      flows = [...found.values()];
      this.#flows.set(key, flows);
    }
    return flows;
  }
}
