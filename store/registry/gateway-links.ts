import type { Fault } from '../../model/errors.ts';
import type { GatewayLink } from '../../model/gateway-link.ts';
import { findQuantity } from '../../model/quantities.ts';
import type { Gateway } from '../../model/registry.ts';

/** What is registered, as the check asks it. */
interface Surroundings {
  meter(id: string): Answer<{ readonly park: string }>;
  /** Another gateway than `otherThan` whose link is to this device (`deviceOf`). */
  gatewayOfDevice(device: string, otherThan: string): Answer<{ readonly id: string; readonly park: string }>;
}
type Answer<T> = T | undefined | Promise<T | undefined>;

/** What tells the device of a link from all others; null where the gateway's own id does. */
export function deviceOf(link: GatewayLink | undefined): string | null {
  if (link?.type === 'hj212') return `hj212 ${link.mn}`;
  return link?.type === 'sparkplug' ? `sparkplug ${link.group}/${link.node}` : null;
}

interface Named {
  readonly path: string;
  readonly name: string;
}

/** Every meter that the link names, with its place in it. */
export function metersOf(link: GatewayLink | undefined): Named[] {
  if (link === undefined || link.type === 'mqtt') return [];
  const own = link.meter === undefined ? [] : [{ path: 'link.meter', name: link.meter }];
  const devices = link.type === 'hj212' ? {} : (link.devices ?? {});
  return [
    ...own,
    ...Object.entries(devices).map(([device, name]) => ({ path: `link.devices.${device}`, name })),
    ...takenBy(link).flatMap(([path, { meter }]) => (meter === undefined ? [] : { path: `${path}.meter`, name: meter })),
  ];
}

/** What it says of single factors or metrics. */
function takenBy(link: Exclude<GatewayLink, { type: 'mqtt' }>) {
  const [key, taken] = link.type === 'hj212' ? ['factors', link.factors ?? {}] : ['metrics', link.metrics ?? {}];
  return Object.entries(taken).map(([name, one]) => [`link.${key}.${name}`, one] as const);
}

/** Two gateways of one device would stop each other; what is named and does not exist would be refused message by message. */
export async function linkFaults(registered: Surroundings, { id, park, link }: Gateway): Promise<Fault[]> {
  if (link === undefined || link.type === 'mqtt') return [];
  const faults: Fault[] = [];
  const other = await registered.gatewayOfDevice(deviceOf(link) as string, id);
  if (other !== undefined) {
    // Who is in another park is not told: this may be read by an operator of one park alone.
    const whose = other.park === park ? `gateway "${other.id}"` : 'a gateway of another park';
    if (link.type === 'hj212') faults.push({ path: 'link.mn', message: `the number ${link.mn} is that of ${whose}; each logger is one gateway's` });
    else faults.push({ path: 'link.node', message: `the node ${link.group}/${link.node} is that of ${whose}; each node is one gateway's` });
  }
  for (const { path, name } of metersOf(link)) {
    if ((await registered.meter(name))?.park === park) continue;
    faults.push({ path, message: `meter "${name}" is not registered in park "${park}"; register it first and let its record name the gateway afterwards` });
  }
  for (const [path, { quantity }] of takenBy(link)) {
    if (quantity === undefined || findQuantity(quantity) !== undefined) continue;
    faults.push({ path: `${path}.quantity`, message: `"${quantity}" is not a quantity of the catalogue` });
  }
  return faults;
}
