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

/** What the registry knows of gateways and does not show. */
export interface DeviceSecrets {
  checkSecret(gateway: GatewayId, secret: string): Promise<boolean>;
  /** The SM4 key, null where there is none. */
  keyOf(gateway: GatewayId): Promise<Uint8Array | null>;
}

/** How long an answer about a password or a key is believed. */
const BELIEVED_MS = 30_000;
const MOST_BELIEVED = 20_000;

/** Registered loggers by number, whether a password is theirs, and their keys. */
export class Hj212Devices {
  readonly #source: { readonly current: GatewayDirectory };
  readonly #secrets: DeviceSecrets;
  #indexed: GatewayDirectory | null = null;
  /** null: two gateways have the number. */
  #devices = new Map<string, Device | null>();
  readonly #believed = new Map<string, { readonly fits: boolean; readonly until: number }>();
  readonly #keys = new Map<GatewayId, { readonly key: Uint8Array | null; readonly until: number }>();

  constructor(source: { readonly current: GatewayDirectory }, secrets: DeviceSecrets) {
    this.#source = source;
    this.#secrets = secrets;
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
    const asked = this.#source.current;
    const fits = await this.#secrets.checkSecret(gateway, password);
    // The answer may be that of a registry which has changed since.
    if (asked !== this.#source.current) return fits;
    if (this.#believed.size >= MOST_BELIEVED) this.#believed.clear();
    this.#believed.set(`${gateway} ${password}`, { fits, until: performance.now() + BELIEVED_MS });
    return fits;
  }

  /** null: it has none; undefined: ask. */
  believedKey({ gateway }: Device): Uint8Array | null | undefined {
    const known = this.#keys.get(gateway);
    return known !== undefined && performance.now() < known.until ? known.key : undefined;
  }

  async key({ gateway }: Device): Promise<Uint8Array | null> {
    const asked = this.#source.current;
    const key = await this.#secrets.keyOf(gateway);
    if (asked === this.#source.current) this.#keys.set(gateway, { key, until: performance.now() + BELIEVED_MS });
    return key;
  }

  #index(directory: GatewayDirectory): void {
    this.#indexed = directory;
    this.#devices = new Map();
    // A key or password that was set or taken away changes the registry.
    this.#keys.clear();
    this.#believed.clear();
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
