import { closeSync, fchmodSync, fchownSync, mkdirSync, openSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readConfig } from '../config.ts';
import { compileTopicFilter, overlap, type TopicFilter } from '../ingest/mappings/topic-filter.ts';
import { CHECK_TOPICS } from '../ingest/transports/check-topics.ts';
import { GreenparkError } from '../model/errors.ts';
import { isLogger } from '../model/gateway-link.ts';
import type { Mapping } from '../model/mapping.ts';
import type { Gateway, Meter } from '../model/registry.ts';
import { hashGatewaySecret, isMosquittoHash } from '../store/registry/gateway-secret.ts';
import { withRegistry } from './registry-file.ts';

/**
 * Writes `passwords` and `acl` for Mosquitto 2 into the folder, as deploy/mosquitto/mosquitto.conf reads them, and says which gateways
 * cannot sign in there yet, and why.
 */
export async function giveMosquittoFiles(folder: string): Promise<void> {
  const { mqtt, sparkplug } = readConfig(process.env);
  const { username: own, password } = mqtt;
  if (own === undefined || password === undefined) {
    const missing = own === undefined ? 'GREENPARK_MQTT_USERNAME' : 'GREENPARK_MQTT_PASSWORD';
    throw new GreenparkError(
      'INPUT_INVALID',
      `${missing} is not set: Greenpark itself could not sign in at the broker. Set it as for the service; nothing was written`,
    );
  }
  const { gateways, meters, hashes, mapped } = await withRegistry(async (registry) => {
    // A logger reports by HJ 212, and has no business at the broker.
    const list = (await registry.gateways.all()).filter((gateway) => !isLogger(gateway));
    const known = new Map<string, string | null>();
    for (const { id } of list) known.set(id, await registry.gateways.signInHash(id));
    const mappings = (await Promise.all((await registry.parks.list()).map(({ id }) => registry.mappings.list(id, { after: null, limit: 10_000 })))).flat();
    return { gateways: list, meters: await registry.meters.all(), hashes: known, mapped: mappings.filter(({ enabled }) => enabled) };
  });
  const lines = [`${own}:${await hashGatewaySecret(password, 'chosen')}`];
  const problems: string[] = [];
  const allowed: Gateway[] = [];
  for (const gateway of gateways) {
    const hash = hashes.get(gateway.id) ?? null;
    if (gateway.id === own) problems.push(`${gateway.id}: has the name of Greenpark's own user; set GREENPARK_MQTT_USERNAME to another`);
    else if (hash === null) problems.push(`${gateway.id}: has no secret; make one: greenpark gateway secret ${gateway.id}`);
    else if (!isMosquittoHash(hash))
      problems.push(`${gateway.id}: its secret's hash is not one of Mosquitto's; renew it: greenpark gateway secret ${gateway.id}`);
    else {
      lines.push(`${gateway.id}:${hash}`);
      allowed.push(gateway);
    }
  }
  mkdirSync(folder, { recursive: true });
  replace(folder, 'passwords', `${lines.join('\n')}\n`);
  replace(folder, 'acl', mosquittoAcl(own, sparkplug.hostId, allowed, meters, mapped));
  console.log(`${allowed.length} of ${gateways.length} gateways may sign in; let Mosquitto read the files again: kill -HUP its process`);
  for (const problem of problems) console.error(problem);
}

/** Control characters would begin a new line of the file, and with it a new right. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
const UNSAFE = /[\u0000-\u001f\u007f]/;

/** Access list of Mosquitto 2: what is not listed is refused. */
export function mosquittoAcl(
  own: string,
  hostId: string | undefined,
  gateways: readonly Gateway[],
  meters: readonly Meter[],
  mapped: readonly Pick<Mapping, 'park' | 'topics' | 'except'>[] = [],
): string {
  const lines = [
    '# Written by greenpark registry export --mosquitto; changes are lost.',
    `user ${own}`,
    'topic read parks/#',
    `topic readwrite ${CHECK_TOPICS}/#`,
  ];
  const rights = mapped.map(({ park, topics, except = [] }) => ({
    park,
    topics: filtersOf(topics).map(({ subscription }) => subscription),
    // One that would deny more than the mapping leaves alone is not for this list.
    except: filtersOf(except).flatMap(({ subscription, wider }) => (wider ? [] : subscription)),
  }));
  for (const filter of new Set(rights.flatMap((one) => one.topics))) lines.push(`topic read ${filter}`);
  if (hostId !== undefined)
    lines.push('topic read spBv1.0/#', `topic write spBv1.0/STATE/${hostId}`, 'topic write spBv1.0/+/NCMD/+', 'topic write spBv1.0/+/DCMD/+/+');
  const metersOf = groupByGateway(meters);
  for (const { id, park, link } of gateways) {
    lines.push('', `user ${id}`);
    for (const meter of metersOf.get(id) ?? []) {
      for (const leaf of ['readings', 'status']) lines.push(`topic write parks/${meter.park}/meters/${meter.id}/${leaf}`);
    }
    const mine = rights.filter((one) => one.park === park);
    for (const filter of deniedBy(mine)) lines.push(`topic deny ${filter}`);
    // Whose meter a mapped message speaks of stands in its payload: the list can hold a gateway to its park's topics and no closer.
    for (const filter of new Set(mine.flatMap((one) => one.topics))) if (!opensOthers(filter)) lines.push(`topic write ${filter}`);
    if (link?.type !== 'sparkplug' || UNSAFE.test(link.group) || UNSAFE.test(link.node)) continue;
    const { group, node } = link;
    for (const type of ['NBIRTH', 'NDATA', 'NDEATH']) lines.push(`topic write spBv1.0/${group}/${type}/${node}`);
    for (const type of ['DBIRTH', 'DDATA', 'DDEATH']) lines.push(`topic write spBv1.0/${group}/${type}/${node}/+`);
    lines.push(`topic read spBv1.0/${group}/NCMD/${node}/#`, `topic read spBv1.0/${group}/DCMD/${node}/#`);
    if (hostId !== undefined) lines.push(`topic read spBv1.0/STATE/${hostId}`);
  }
  return `${lines.join('\n')}\n`;
}

/** Would the right to write it be one to write what has rights of its own? A named first level is `+` to the list. */
const opensOthers = (filter: string): boolean => OTHERS.some((other) => overlap(filter, other));
const OTHERS = ['parks/+/meters/+/+', 'spBv1.0/STATE/+', 'spBv1.0/+/+/+', 'spBv1.0/+/+/+/+'] as const;

/** As the list takes them, without those that may not stand in the file. */
function filtersOf(topics: readonly string[]): TopicFilter[] {
  return topics.map(compileTopicFilter).filter((filter): filter is TopicFilter => typeof filter !== 'string' && !UNSAFE.test(filter.subscription));
}

/** What the park's mappings leave alone. A denial outdoes every grant, so that what another of them takes stays out of it. */
function deniedBy(mappings: readonly { readonly topics: readonly string[]; readonly except: readonly string[] }[]): Set<string> {
  const takes = (filter: string) => mappings.some(({ topics, except }) => !except.includes(filter) && topics.some((topic) => overlap(topic, filter)));
  return new Set(mappings.flatMap(({ except }) => except).filter((filter) => !takes(filter)));
}

function groupByGateway(meters: readonly Meter[]): Map<string, Meter[]> {
  const groups = new Map<string, Meter[]>();
  for (const meter of meters) {
    if (meter.gateway === null || meter.gateway === undefined) continue;
    const group = groups.get(meter.gateway);
    if (group === undefined) groups.set(meter.gateway, [meter]);
    else group.push(meter);
  }
  return groups;
}

/**
 * Mosquitto never sees half a file, and may read it: started by root it becomes a user of its own first, so the file gets the owner and
 * group of its folder. Only root can give a file away; for anybody else the folder's set-group-ID bit does it.
 */
function replace(folder: string, name: string, text: string): void {
  const file = join(folder, name);
  const beside = `${file}.new`;
  // Whoever owns the folder may have put a link here: what it leads to is not to be written, nor given away.
  rmSync(beside, { force: true });
  const opened = openSync(beside, 'wx', 0o640);
  try {
    fchmodSync(opened, 0o640);
    const { uid, gid } = statSync(folder);
    if (process.getuid?.() === 0) fchownSync(opened, uid, gid);
    writeFileSync(opened, text);
  } finally {
    closeSync(opened);
  }
  renameSync(beside, file);
}
