import { isDeepStrictEqual } from 'node:util';
import type { SparkplugLink } from '../../model/gateway-link.ts';
import { ID_PATTERN } from '../../model/ids.ts';
import { findQuantity } from '../../model/quantities.ts';
import type { Gateway } from '../../model/registry.ts';
import { isMeasure } from '../codecs/sparkplug/datatypes.ts';
import type { RejectReason } from '../reject-reasons.ts';
import { quote } from '../wording.ts';

/** What the host needs of the registry's in-memory view. A new object stands for a changed registry. */
export interface SparkplugDirectory {
  readonly gateways: Iterable<Gateway>;
  /** Undefined where no such meter is registered. */
  meter(id: string): object | undefined;
}

/** Where a metric goes. */
export interface Target {
  readonly kind: 'taken';
  readonly meter: string;
  readonly quantity: string;
  readonly scale: number;
  readonly offset: number;
}
/** `ignored`: no reading and not meant to be one. `refused`: meant to be one, and something is missing for it. */
export type Destination = Target | { readonly kind: 'ignored' } | { readonly kind: 'refused'; readonly reason: RejectReason; readonly detail: string };

const IGNORED: Destination = { kind: 'ignored' };
const VALID_ID = new RegExp(ID_PATTERN);

export interface LinkedGateway {
  readonly gateway: Gateway;
  readonly link: SparkplugLink;
}

export const nodeKey = (group: string, node: string): string => `${group}/${node}`;

/** Gateways by the edge node they are. */
export class SparkplugLinks {
  readonly #source: { readonly current: SparkplugDirectory };
  #seen: SparkplugDirectory | null = null;
  #byNode = new Map<string, LinkedGateway>();

  constructor(source: { readonly current: SparkplugDirectory }) {
    this.#source = source;
  }

  of(group: string, node: string): LinkedGateway | null {
    const { current } = this.#source;
    if (current !== this.#seen) this.#index(current);
    return this.#byNode.get(nodeKey(group, node)) ?? null;
  }

  isRegistered(meter: string): boolean {
    return this.#source.current.meter(meter) !== undefined;
  }

  #index(directory: SparkplugDirectory): void {
    this.#seen = directory;
    const before = this.#byNode;
    this.#byNode = new Map();
    for (const gateway of directory.gateways) {
      const { link } = gateway;
      if (link?.type !== 'sparkplug') continue;
      const key = nodeKey(link.group, link.node);
      if (this.#byNode.has(key)) continue;
      const known = before.get(key);
      // The same object as long as nothing of it changed.
      this.#byNode.set(key, known !== undefined && isDeepStrictEqual(known.gateway, gateway) ? known : { gateway, link });
    }
  }
}

/** Metrics that control a session and are no measurement. */
const isControl = (name: string): boolean => name === 'bdSeq' || name.startsWith('Node Control/') || name.startsWith('Device Control/');

/**
 * Where a metric goes: what the gateway's link says of it, else the quantity of its name in the meter of its device. A metric that is
 * neither named in the link nor in the catalogue is refused when it is a number that was measured, and passed over when it is a text,
 * a truth value or the like.
 *
 * @param device null for a metric of the node itself
 */
export function destinationOf(link: SparkplugLink | null, node: string, device: string | null, name: string, datatype: number): Destination {
  const taken = named(link?.metrics, device === null ? name : `${device}/${name}`) ?? named(link?.metrics, name);
  if (taken?.ignore === true || (taken === undefined && isControl(name))) return IGNORED;
  const quantity = taken?.quantity ?? name;
  if (taken === undefined && findQuantity(name) === undefined && !isMeasure(datatype)) return IGNORED;
  const meter = taken?.meter ?? (device === null ? link?.meter : named(link?.devices, device));
  if (meter === undefined && device === null && link !== null && findQuantity(quantity) === undefined) return IGNORED;
  const target = { kind: 'taken', quantity, scale: taken?.scale ?? 1, offset: taken?.offset ?? 0 } as const;
  if (meter !== undefined) return { ...target, meter };
  const id = device ?? (link === null ? node : null);
  if (id !== null && VALID_ID.test(id)) return { ...target, meter: id };
  return { kind: 'refused', reason: 'unknown-meter', detail: missingMeter(node, id) };
}

const missingMeter = (node: string, id: string | null): string =>
  id === null
    ? `node ${quote(node)} reports for itself and its gateway's link names no meter for that; set link.meter`
    : `${quote(id)} cannot be a meter's id; name its meter in the link of the node's gateway`;

/** Own properties alone: names come from the field. */
function named<T>(table: Readonly<Record<string, T>> | undefined, name: string): T | undefined {
  return table !== undefined && Object.hasOwn(table, name) ? table[name] : undefined;
}
