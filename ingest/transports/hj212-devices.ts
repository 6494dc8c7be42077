import type { Hj212Link } from '../../model/gateway-link.ts';
import type { GatewayId, ParkId } from '../../model/ids.ts';
import type { Gateway, Meter, Park } from '../../model/registry.ts';
import type { DeviceContext } from '../codecs/hj212/decode.ts';
import { WallClock } from '../recordings/zone.ts';

/** What is needed of the registry's in-memory view. A new object stands for a changed registry. */
export interface GatewayDirectory {
  readonly gateways: Iterable<Gateway>;
  park(id: string): Park | undefined;
  meter(id: string): Pick<Meter, 'kind' | 'units'> | undefined;
}

export interface Device {
  readonly gateway: GatewayId;
  readonly park: ParkId;
  readonly link: Hj212Link;
  readonly clock: WallClock;
}

/** What decoding a message of the device needs. */
export const contextOf = ({ park, link, clock }: Device, directory: GatewayDirectory): DeviceContext => ({
  park,
  link,
  meter: (id) => directory.meter(id),
  instant: (wall) => clock.instants(wall)[0] ?? null,
});

/** How long an answer about a password is believed. */
const BELIEVED_MS = 30_000;
const MOST_BELIEVED = 20_000;

/** Registered loggers by number, and whether a password is theirs. */
export class Hj212Devices {
  readonly #source: { readonly current: GatewayDirectory };
  readonly #checkSecret: (gateway: GatewayId, secret: string) => Promise<boolean>;
  #indexed: GatewayDirectory | null = null;
  /** null: two gateways have the number. */
  #devices = new Map<string, Device | null>();
  readonly #believed = new Map<string, { readonly fits: boolean; readonly until: number }>();

  constructor(source: { readonly current: GatewayDirectory }, checkSecret: (gateway: GatewayId, secret: string) => Promise<boolean>) {
    this.#source = source;
    this.#checkSecret = checkSecret;
  }

  get directory(): GatewayDirectory {
    return this.#source.current;
  }

  /** undefined: nobody has the number; null: two have. */
  find(mn: string): Device | null | undefined {
    const { current } = this.#source;
    if (current !== this.#indexed) this.#index(current);
    return this.#devices.get(mn);
  }

  /** What is believed for the moment; undefined: ask. */
  believed({ gateway }: Device, password: string): boolean | undefined {
    const known = this.#believed.get(`${gateway} ${password}`);
    return known !== undefined && performance.now() < known.until ? known.fits : undefined;
  }

  async check({ gateway }: Device, password: string): Promise<boolean> {
    const fits = await this.#checkSecret(gateway, password);
    if (this.#believed.size >= MOST_BELIEVED) this.#believed.clear();
    this.#believed.set(`${gateway} ${password}`, { fits, until: performance.now() + BELIEVED_MS });
    return fits;
  }

  #index(directory: GatewayDirectory): void {
    this.#indexed = directory;
    this.#devices = new Map();
    const clocks = new Map<string, WallClock>();
    for (const { id, park, link } of directory.gateways) {
      if (link?.type !== 'hj212') continue;
      const zone = directory.park(park)?.timeZone ?? 'Asia/Shanghai';
      const clock = clocks.get(zone) ?? new WallClock(zone);
      clocks.set(zone, clock);
      this.#devices.set(link.mn, this.#devices.has(link.mn) ? null : { gateway: id, park, link, clock });
    }
  }
}
