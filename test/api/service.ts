import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Express } from 'express';
import { type Logger, pino } from 'pino';
import { RegisterChanges } from '../../accounting/register-changes.ts';
import { createApi } from '../../api/app.ts';
import { type Auth, createAuth } from '../../api/auth/auth.ts';
import { hashPassword, hashSecret } from '../../api/auth/secrets.ts';
import type { AlertEntry, ApiDeps, Figures } from '../../api/deps.ts';
import type { TopicCodec } from '../../ingest/codecs/decoded.ts';
import { createIngestDesk } from '../../ingest/desk.ts';
import { GatewayBook } from '../../ingest/gateways/book.ts';
import { GatewayStandings } from '../../ingest/gateways/standing.ts';
import { createMappingDesk } from '../../ingest/mappings/desk.ts';
import { LeftOutBook } from '../../ingest/mappings/left-out.ts';
import { IngestOverview } from '../../ingest/overview.ts';
import { Pipeline } from '../../ingest/pipeline.ts';
import { UnknownMeters } from '../../ingest/unknown-meters.ts';
import type { Role, Scope } from '../../model/access.ts';
import type { Alert } from '../../model/alert.ts';
import { GreenparkError } from '../../model/errors.ts';
import type { EnterpriseId, MeterId, ParkId } from '../../model/ids.ts';
import { LatestReadings } from '../../model/latest.ts';
import type { ParkSnapshot } from '../../model/live.ts';
import { DirectoryWatch } from '../../store/registry/directory.ts';
import { parseRegistryDocument } from '../../store/registry/document.ts';
import { type OpenRegistry, openRegistry } from '../../store/registry/open.ts';
import { RecordingStore } from '../ingest/harness.ts';

export const NOW = Date.UTC(2026, 0, 15, 4);
export const PASSWORD = 'correct horse battery';
const IN_NORTH = 'north' as ParkId;

/** Everybody who may come, seen from the enterprise `alpha` in the park `north`: who is inside its scope, beside it, outside it. */
export const PEOPLE = {
  operator: { role: 'operator', scope: { kind: 'installation' } },
  committee: { role: 'committee', scope: { kind: 'park', park: IN_NORTH } },
  'committee elsewhere': { role: 'committee', scope: { kind: 'park', park: 'south' as ParkId } },
  auditor: { role: 'auditor', scope: { kind: 'region', region: '51' } },
  'auditor elsewhere': { role: 'auditor', scope: { kind: 'region', region: '32' } },
  enterprise: { role: 'enterprise', scope: { kind: 'enterprise', park: IN_NORTH, enterprise: 'alpha' as EnterpriseId } },
  neighbour: { role: 'enterprise', scope: { kind: 'enterprise', park: IN_NORTH, enterprise: 'beta' as EnterpriseId } },
  stranger: { role: 'enterprise', scope: { kind: 'enterprise', park: 'south' as ParkId, enterprise: 'gamma' as EnterpriseId } },
} as const satisfies Readonly<Record<string, { readonly role: Role; readonly scope: Scope }>>;
export type Person = keyof typeof PEOPLE;

/** The bearer header of a person. */
export const bearer = (person: Person): string => `Bearer token-of-${person.replaceAll(' ', '-')}`;

const DOCUMENT = parseRegistryDocument(`
parks:
  - { id: north, name: 北园, nameEn: North, region: '510112' }
  - { id: south, name: 南园, region: '320500' }
enterprises:
  - { id: alpha, park: north, name: 甲厂, trade: steel, stage: applicant }
  - { id: beta, park: north, name: 乙厂, trade: glass, stage: admitted }
  - { id: gamma, park: south, name: 丙厂, trade: glass, stage: admitted }
gateways:
  - { id: gw-1, park: north, name: Gateway 1 }
meters:
  - { id: m-alpha, park: north, enterprise: alpha, name: 甲表, kind: electricity }
  - { id: m-alpha-2, park: north, enterprise: alpha, name: 甲表二, kind: ambient }
  - { id: m-beta, park: north, enterprise: beta, name: 乙表, kind: electricity }
  - { id: m-park, park: north, name: 总表, kind: electricity }
  - { id: m-gamma, park: south, enterprise: gamma, name: 丙表, kind: water }
rules:
  - { id: r-alpha, park: north, name: 甲功率, type: limit, subject: { meter: m-alpha }, quantity: active_power, level: red, side: above, value: 5, judged: { by: instant } }
  - { id: r-beta, park: north, name: 乙功率, type: limit, subject: { meter: m-beta }, quantity: active_power, level: red, side: above, value: 5, judged: { by: instant } }
  - { id: r-park, park: north, name: 总功率, type: limit, subject: { meter: m-park }, quantity: active_power, level: red, side: above, value: 5, judged: { by: instant } }
  - { id: r-kind, park: north, name: 所有电表, type: limit, subject: { kind: electricity }, quantity: active_power, level: red, side: above, value: 9, judged: { by: instant } }
caps:
  - { id: c-alpha, park: north, name: 甲电, enterprise: alpha, carrier: electricity, flow: consumption, period: month, amount: 1000, stages: [{ percent: 80, level: yellow }] }
  - { id: c-beta, park: north, name: 乙电, enterprise: beta, carrier: electricity, flow: consumption, period: month, amount: 1000, stages: [{ percent: 80, level: yellow }] }
  - { id: c-park, park: north, name: 园电, carrier: electricity, flow: consumption, period: month, amount: 9000, stages: [{ percent: 80, level: yellow }] }
entryProfiles:
  - { id: p-1, park: north, name: 门槛, criteria: [{ id: water, name: 水耗, unit: m3/t, side: at-most, threshold: 3 }] }
  - { id: p-2, park: north, name: 新门槛, criteria: [{ id: water, name: 水耗, unit: m3/t, side: at-most, threshold: 2 }] }
mappings:
  - { id: mp-1, park: north, name: 一号网关, topics: ['gw/{meter}/json'], meter: $topic.meter, values: { active_power: { from: kw, unit: kW } } }
applications:
  - { id: a-alpha, park: north, enterprise: alpha, profile: p-1, declared: { water: 2.5 } }
  - { id: a-beta, park: north, enterprise: beta, profile: p-1, declared: { water: 3.5 } }
`);

export const anAlert = (id: string, change: Partial<Alert> = {}): Alert => ({
  id,
  park: IN_NORTH,
  enterprise: null,
  meter: null,
  rule: 'r-kind',
  ruleType: 'limit',
  name: '所有电表',
  level: 'red',
  state: 'firing',
  since: NOW - 3_600_000,
  until: null,
  raisedAt: NOW - 3_599_000,
  value: 10,
  bound: 9,
  peak: 12,
  unit: 'kW',
  stage: null,
  periodStart: null,
  acknowledgedBy: null,
  acknowledgedAt: null,
  shelvedUntil: null,
  shelvedBy: null,
  shelvedReason: null,
  ...change,
});

/** What is asked of the parts that the API does not own, by its name and what it was given. */
export interface Asked {
  readonly of: keyof Figures | 'state';
  readonly given: unknown;
}

/** The API over a real registry in a folder of its own; the parts beside it answer plainly and note what they were asked. */
export class TestService {
  readonly folder = mkdtempSync(join(tmpdir(), 'greenpark-api-'));
  readonly asked: Asked[] = [];
  readonly log: string[] = [];
  readonly latest = new LatestReadings();
  /** What was pushed, in a real pipeline over a store that remembers. */
  readonly stored = new RecordingStore();
  pipeline!: Pipeline;
  unknown!: UnknownMeters;
  readonly leftOut = new LeftOutBook();
  now = NOW;
  registry!: OpenRegistry;
  watch!: DirectoryWatch;
  registers!: RegisterChanges;
  auth!: Auth;
  deps!: ApiDeps;
  app!: Express;

  static async open(change: (deps: ApiDeps) => Partial<ApiDeps> = () => ({}), codecs: readonly TopicCodec[] = []): Promise<TestService> {
    const service = new TestService();
    service.registry = await openRegistry(join(service.folder, 'registry.db'));
    await service.seed();
    for (const [name, { role, scope }] of Object.entries(PEOPLE)) {
      await service.registry.tokens.put({ name, role, scope, secretHash: hashSecret(bearer(name as Person).slice(7)), createdAt: NOW, expiresAt: null });
    }
    const passwordHash = await hashPassword(PASSWORD);
    await service.registry.users.put({ username: 'chen', ...PEOPLE.committee, passwordHash, createdAt: NOW });
    service.watch = await DirectoryWatch.open(service.registry, (error) => {
      throw error;
    });
    service.registers = await RegisterChanges.open(service.registry.registerChanges, service.watch);
    service.auth = createAuth({ registry: service.registry, clock: () => service.now });
    const deps = service.#deps(codecs);
    service.deps = { ...deps, ...change(deps) };
    service.app = createApi(service.deps);
    return service;
  }

  /** Everything of the document and the alerts as they were at first; what is as it was is not written. */
  async seed(): Promise<void> {
    await this.registry.import(DOCUMENT, { actor: 'test', at: NOW });
    const mine = { enterprise: 'alpha' as EnterpriseId, meter: 'm-alpha' as MeterId };
    await this.registry.alerts.save(
      [anAlert('al-alpha', mine), anAlert('al-beta', { enterprise: 'beta' as EnterpriseId, since: NOW }), anAlert('al-park')],
      [],
    );
    await this.watch?.refresh();
  }

  close(): void {
    this.registry.close();
    rmSync(this.folder, { recursive: true, force: true });
  }

  #deps(codecs: readonly TopicCodec[]): ApiDeps {
    const note = <T>(of: Asked['of'], given: unknown, answer: T): T => {
      this.asked.push({ of, given });
      return answer;
    };
    const change = async (id: string, made: Partial<Alert>, entry: AlertEntry): Promise<Alert> => {
      const alert = await this.registry.alerts.get(id);
      if (alert === null) throw new GreenparkError('NOT_FOUND', `there is no alert "${id}"`);
      const after = { ...alert, ...made };
      await this.registry.alerts.save([after], [], [entry(alert, after)]);
      return after;
    };
    const logger: Logger = pino({ level: 'debug', base: null }, { write: (line: string) => void this.log.push(line) });
    this.unknown = new UnknownMeters({
      isRegistered: (meter) => this.watch.current.meter(meter) !== undefined,
      parkOfGateway: (gateway) => this.watch.current.gateway(gateway)?.park ?? null,
    });
    const gateways = new GatewayBook(this.watch);
    this.pipeline = new Pipeline({
      directory: this.watch,
      latest: this.latest,
      store: this.stored,
      deadLetters: this.registry.deadLetters,
      clock: () => this.now,
      logger,
      judge: () => {},
      codecs,
      gateways,
      onUnknownMeter: (sighting) => this.unknown.see(sighting),
      onLeftOut: (sighting) => this.leftOut.see(sighting),
    });
    const overview = new IngestOverview({
      pipeline: this.pipeline,
      standings: new GatewayStandings({ book: gateways, directory: this.watch, startedAt: NOW }),
      spool: null,
      lastCommitAt: () => 0,
      clock: () => this.now,
    });
    const ingest = createIngestDesk({
      pipeline: this.pipeline,
      letters: this.registry.deadLetters,
      codecs,
      unknown: this.unknown,
      leftOut: this.leftOut,
      loggers: { find: () => undefined, check: async () => false },
      overview,
      clock: () => this.now,
    });
    return {
      ingest,
      registers: { of: (meter) => this.registers.of(meter), declared: async (change) => void this.registers.keep(change) },
      registry: this.registry,
      directory: this.watch,
      auth: this.auth,
      latest: this.latest,
      clock: () => this.now,
      logger,
      webFolder: null,
      options: { checkAnswers: true },
      store: {
        raw: async () => ({ length: 0, ts: new Float64Array(), value: new Float64Array(), quality: new Uint8Array() }),
        steps: async () => [],
        correct: async () => undefined,
        revisions: async () => [{ value: 1, quality: 0, correction: null }],
      },
      alerts: {
        acknowledge: (id, by, entry) => change(id, { state: 'acknowledged', acknowledgedBy: by, acknowledgedAt: this.now }, entry),
        shelve: (id, by, until, reason, entry) => change(id, { shelvedUntil: until, shelvedBy: by, shelvedReason: reason }, entry),
      },
      figures: {
        usage: async (given) => note('usage', given, []),
        balance: async (given) => note('balance', { meter: given.meter.id, enterprise: given.enterprise }, []),
        carbon: async (given) => note('carbon', given, []),
        air: async (given) => note('air', given, []),
        hourlyMeans: async (park, from, to) => note('hourlyMeans', { park, from, to }, []),
      },
      mappings: createMappingDesk(),
      state: (park, enterprise) =>
        note('state', { park, enterprise }, {
          seq: 0,
          at: this.now,
          park: { id: park },
          enterprise,
          enterprises: [],
          meters: [],
          alerts: [],
          figures: {},
        } as unknown as ParkSnapshot),
      assess: ({ criteria }, { declared }) => {
        const judged = criteria.map(({ id, name, unit, side, threshold, mandatory }) => {
          const value = declared[id] ?? null;
          return { criterion: id, name, unit, side, threshold, mandatory, declared: value, met: value !== null && value <= threshold };
        });
        return { outcome: judged.every(({ met }) => met) ? 'met' : 'refused', criteria: judged };
      },
      readiness: async () => [{ part: 'store', ready: true }],
      metrics: async () => 'greenpark_up 1\n',
    };
  }
}
