import { hashPassword, newSecret } from './api/auth/secrets.ts';
import type { Config } from './config.ts';
import type { Core, CoreOptions, Undo } from './core.ts';
import { GATEWAYS, METERS, PARK_ID } from './demo/meters.ts';
import { DEMO_PARK } from './demo/park.ts';
import { startSimulator } from './demo/simulator.ts';
import type { Role, Scope } from './model/access.ts';
import type { EpochMs } from './model/ids.ts';
import { importDocument } from './store/registry/document.ts';
import { hashGatewaySecret } from './store/registry/gateway-secret.ts';

const WEEK_MS = 7 * 86_400_000;
const HISTORY_STEP_SECONDS = 300;
const SEED = 20260101;

export interface DemonstrationDeps {
  readonly core: Core;
  readonly config: Config;
  readonly options: CoreOptions;
  /** The embedded broker's port; null: the configured external one is published to. */
  readonly brokerPort: number | null;
  readonly undo: Undo;
}

/**
 * The demonstration park: registered once, with somebody to sign in as for each role, then simulated meters that report through the
 * broker like any other device. Answers what to print.
 */
export async function startDemonstration({ core, config, options, brokerPort, undo }: DemonstrationDeps): Promise<string[]> {
  const { registry, directory } = core;
  const notes: string[] = [];
  if ((await registry.parks.get(PARK_ID)) === null) {
    await importDocument(registry, DEMO_PARK, { actor: 'demonstration', at: options.clock() });
    notes.push(...(await demonstrationPeople(core, options.clock())));
  }
  await directory.refresh();
  const gateways = [];
  for (const { id } of GATEWAYS) {
    // New at every start and kept in memory alone: nobody else publishes for the simulated meters.
    const secret = newSecret();
    await registry.gateways.setSecret(id, await hashGatewaySecret(secret));
    gateways.push({ gateway: id, username: config.mqtt.username ?? id, password: config.mqtt.password ?? secret });
  }
  const now = options.clock();
  const simulator = await startSimulator({
    url: brokerPort === null ? (config.mqtt.url as string) : `mqtt://127.0.0.1:${brokerPort}`,
    gateways,
    seed: SEED,
    clock: options.clock,
    intervalSeconds: { ambient: 60 },
    history: { from: Math.max(now - WEEK_MS, leastOfLatest(core) + 1), to: now, stepSeconds: HISTORY_STEP_SECONDS },
    logger: options.logger,
  });
  undo.push(() => simulator.stop());
  simulator.history.then(
    (report) => options.logger.info(report, 'the demonstration park has its history'),
    (error: unknown) => options.logger.error({ err: error }, 'the demonstration park could not publish its history'),
  );
  return notes;
}

/** The time up to which every simulated meter has reported. */
function leastOfLatest({ directory, latest }: Core): EpochMs {
  const newest = METERS.map(({ id }) => {
    const ordinal = directory.current.meter(id)?.ordinal;
    return ordinal === undefined ? 0 : Math.max(0, ...latest.ofMeter(ordinal).map((series) => latest.ts[series] as number));
  });
  return Math.min(...newest);
}

async function demonstrationPeople({ registry }: Core, now: EpochMs): Promise<string[]> {
  const enterprise = DEMO_PARK.enterprises.find((one) => one.stage === 'admitted');
  const people: readonly { username: string; role: Role; scope: Scope }[] = [
    { username: 'demo-committee', role: 'committee', scope: { kind: 'park', park: PARK_ID } },
    { username: 'demo-auditor', role: 'auditor', scope: { kind: 'region', region: '51' } },
    ...(enterprise === undefined
      ? []
      : [{ username: 'demo-enterprise', role: 'enterprise', scope: { kind: 'enterprise', park: PARK_ID, enterprise: enterprise.id } } as const]),
  ];
  const notes: string[] = [];
  for (const { username, role, scope } of people) {
    const password = newSecret().slice(0, 16);
    await registry.users.put({ username, role, scope, passwordHash: await hashPassword(password), createdAt: now });
    notes.push(`  or as ${username} with ${password} (shown once)`);
  }
  return notes;
}
