import type { GatewayLink } from '../../model/gateway-link.ts';

const REPORTS = new Set(['NBIRTH', 'NDATA', 'NDEATH', 'DBIRTH', 'DDATA', 'DDEATH']);

/** May a gateway with this link publish to a topic outside `parks/`? An edge node reports in its own name; commands are the host's. */
export function mayReport(link: GatewayLink | undefined, topic: string): boolean {
  const [namespace, group, type = '', node, device, ...more] = topic.split('/');
  if (namespace !== 'spBv1.0') return true;
  if (link?.type !== 'sparkplug' || more.length > 0 || !REPORTS.has(type) || group !== link.group || node !== link.node) return false;
  return type.startsWith('D') ? device !== undefined && device !== '' : device === undefined;
}

/** May a gateway subscribe to the filter? An edge node to its commands and the host's state, letter by letter; nobody else to anything. */
export function mayListen(link: GatewayLink | undefined, hostId: string | undefined, filter: string): boolean {
  if (link?.type !== 'sparkplug') return false;
  const { group, node } = link;
  return (
    filter === `spBv1.0/${group}/NCMD/${node}` ||
    filter === `spBv1.0/${group}/NCMD/${node}/#` ||
    filter === `spBv1.0/${group}/DCMD/${node}/+` ||
    filter === `spBv1.0/${group}/DCMD/${node}/#` ||
    (hostId !== undefined && filter === `spBv1.0/STATE/${hostId}`)
  );
}
