import type { Person } from './service.ts';

/** Everybody, with those who are not signed in first. */
export const WHO = [
  'nobody',
  'operator',
  'committee',
  'committee elsewhere',
  'auditor',
  'auditor elsewhere',
  'enterprise',
  'neighbour',
  'stranger',
] as const satisfies readonly ('nobody' | Person)[];

/** Status that each of WHO is answered, in that order. */
type Row = readonly [
  nobody: number,
  operator: number,
  committee: number,
  elsewhere: number,
  auditor: number,
  elsewhere: number,
  enterprise: number,
  neighbour: number,
  stranger: number,
];

/** A route, a request for something of the enterprise `alpha` in the park `north`, and what everybody must be answered. */
export interface Expectation {
  readonly route: string;
  readonly path: string;
  readonly body?: unknown;
  readonly answers: Row;
}

// Who sees the park, and who sees what is alpha's; committees, auditors and enterprises from elsewhere see neither.
const READ_PARK: Row = [401, 200, 200, 404, 200, 404, 200, 200, 404];
const READ_ALPHA: Row = [401, 200, 200, 404, 200, 404, 200, 404, 404];
// Everybody has the list; what stands in it is their scope's.
const READ_OWN_LIST: Row = [401, 200, 200, 200, 200, 200, 200, 200, 200];
const OVERSEE_PARK: Row = [401, 200, 200, 404, 200, 404, 403, 403, 404];
const OVERSEE_OWN_LIST: Row = [401, 200, 200, 200, 200, 200, 403, 403, 403];
const BY_OPERATOR_ALONE = (done: number): Row => [401, done, 403, 403, 403, 403, 403, 403, 403];
const byOperator = (done: number, neighbour: 403 | 404): Row => [401, done, 403, 404, 403, 404, 403, neighbour, 404];
const byStewards = (done: number, neighbour: 403 | 404): Row => [401, done, done, 404, 403, 404, 403, neighbour, 404];
const EVERYBODY: Row = [200, 200, 200, 200, 200, 200, 200, 200, 200];

const PARK = '/api/v1/parks/north';
const limitRule = {
  name: '甲功率',
  type: 'limit',
  subject: { meter: 'm-alpha' },
  quantity: 'active_power',
  level: 'red',
  side: 'above',
  value: 5,
  judged: { by: 'instant' },
};
const cap = {
  name: '甲电',
  enterprise: 'alpha',
  carrier: 'electricity',
  flow: 'consumption',
  period: 'month',
  amount: 1000,
  stages: [{ percent: 80, level: 'yellow' }],
};
const mapping = { name: '二号网关', topics: ['gw2/{meter}/json'], meter: '$topic.meter', values: { active_power: 'kw' } };
const profile = { name: '新门槛', criteria: [{ id: 'water', name: '水耗', unit: 'm3/t', side: 'at-most', threshold: 2 }] };

/** The whole matrix, by hand: it is what was decided, and the routes are held to it. */
export const EXPECTED: readonly Expectation[] = [
  { route: 'post /api/v1/session', path: '/api/v1/session', body: { username: 'chen', password: 'correct horse battery' }, answers: EVERYBODY },
  { route: 'get /api/v1/session', path: '/api/v1/session', answers: READ_OWN_LIST },
  { route: 'delete /api/v1/session', path: '/api/v1/session', answers: [204, 204, 204, 204, 204, 204, 204, 204, 204] },

  { route: 'get /api/v1/parks', path: '/api/v1/parks', answers: READ_OWN_LIST },
  { route: 'get /api/v1/parks/{park}', path: PARK, answers: READ_PARK },
  { route: 'put /api/v1/parks/{park}', path: PARK, body: { name: '北园', nameEn: 'North', region: '510112' }, answers: byOperator(200, 403) },
  { route: 'delete /api/v1/parks/{park}', path: PARK, answers: byOperator(409, 403) },

  { route: 'get /api/v1/parks/{park}/enterprises', path: `${PARK}/enterprises`, answers: READ_PARK },
  { route: 'get /api/v1/parks/{park}/enterprises/{enterprise}', path: `${PARK}/enterprises/alpha`, answers: READ_ALPHA },
  {
    route: 'put /api/v1/parks/{park}/enterprises/{enterprise}',
    path: `${PARK}/enterprises/alpha`,
    body: { name: '甲厂', trade: 'steel', stage: 'applicant' },
    answers: byOperator(200, 404),
  },
  { route: 'delete /api/v1/parks/{park}/enterprises/{enterprise}', path: `${PARK}/enterprises/alpha`, answers: byOperator(409, 404) },

  { route: 'get /api/v1/parks/{park}/meters', path: `${PARK}/meters`, answers: READ_PARK },
  { route: 'get /api/v1/parks/{park}/meters/{meter}', path: `${PARK}/meters/m-alpha`, answers: READ_ALPHA },
  {
    route: 'put /api/v1/parks/{park}/meters/{meter}',
    path: `${PARK}/meters/m-alpha`,
    body: { enterprise: 'alpha', name: '甲表', kind: 'electricity', parent: null, gateway: null },
    answers: byOperator(200, 404),
  },
  { route: 'delete /api/v1/parks/{park}/meters/{meter}', path: `${PARK}/meters/m-alpha-2`, answers: byOperator(204, 404) },

  { route: 'get /api/v1/parks/{park}/gateways', path: `${PARK}/gateways`, answers: OVERSEE_PARK },
  { route: 'get /api/v1/parks/{park}/gateways/{gateway}', path: `${PARK}/gateways/gw-1`, answers: OVERSEE_PARK },
  { route: 'put /api/v1/parks/{park}/gateways/{gateway}', path: `${PARK}/gateways/gw-1`, body: { name: 'Gateway 1' }, answers: byOperator(200, 403) },
  { route: 'delete /api/v1/parks/{park}/gateways/{gateway}', path: `${PARK}/gateways/gw-1`, answers: byOperator(204, 403) },
  { route: 'post /api/v1/parks/{park}/gateways/{gateway}/secret', path: `${PARK}/gateways/gw-1/secret`, answers: byOperator(200, 403) },
  // The gateway reports by MQTT, and its secret is not for others to choose.
  {
    route: 'put /api/v1/parks/{park}/gateways/{gateway}/secret',
    path: `${PARK}/gateways/gw-1/secret`,
    body: { secret: '123456' },
    answers: byOperator(400, 403),
  },
  // Nor has it a key.
  { route: 'put /api/v1/parks/{park}/gateways/{gateway}/key', path: `${PARK}/gateways/gw-1/key`, body: { key: null }, answers: byOperator(400, 403) },

  { route: 'get /api/v1/parks/{park}/mappings', path: `${PARK}/mappings`, answers: OVERSEE_PARK },
  { route: 'get /api/v1/parks/{park}/mappings/{mapping}', path: `${PARK}/mappings/mp-1`, answers: OVERSEE_PARK },
  { route: 'put /api/v1/parks/{park}/mappings/{mapping}', path: `${PARK}/mappings/mp-1`, body: mapping, answers: byOperator(200, 403) },
  { route: 'delete /api/v1/parks/{park}/mappings/{mapping}', path: `${PARK}/mappings/mp-1`, answers: byOperator(204, 403) },
  {
    route: 'post /api/v1/parks/{park}/mappings/try',
    path: `${PARK}/mappings/try`,
    body: { id: 'mp-1', topic: 'gw/m-alpha/json', payload: '{"kw":5}' },
    answers: byOperator(200, 403),
  },
  { route: 'get /api/v1/mappings', path: '/api/v1/mappings', answers: OVERSEE_OWN_LIST },

  { route: 'get /api/v1/parks/{park}/rules', path: `${PARK}/rules`, answers: READ_PARK },
  { route: 'get /api/v1/parks/{park}/rules/{rule}', path: `${PARK}/rules/r-alpha`, answers: READ_ALPHA },
  { route: 'put /api/v1/parks/{park}/rules/{rule}', path: `${PARK}/rules/r-alpha`, body: limitRule, answers: byStewards(200, 404) },
  { route: 'delete /api/v1/parks/{park}/rules/{rule}', path: `${PARK}/rules/r-alpha`, answers: byStewards(204, 404) },

  { route: 'get /api/v1/parks/{park}/caps', path: `${PARK}/caps`, answers: READ_PARK },
  { route: 'get /api/v1/parks/{park}/caps/{cap}', path: `${PARK}/caps/c-alpha`, answers: READ_ALPHA },
  { route: 'put /api/v1/parks/{park}/caps/{cap}', path: `${PARK}/caps/c-alpha`, body: cap, answers: byStewards(200, 404) },
  { route: 'delete /api/v1/parks/{park}/caps/{cap}', path: `${PARK}/caps/c-alpha`, answers: byStewards(204, 404) },

  { route: 'get /api/v1/parks/{park}/entry-profiles', path: `${PARK}/entry-profiles`, answers: READ_PARK },
  { route: 'get /api/v1/parks/{park}/entry-profiles/{profile}', path: `${PARK}/entry-profiles/p-2`, answers: READ_PARK },
  { route: 'put /api/v1/parks/{park}/entry-profiles/{profile}', path: `${PARK}/entry-profiles/p-2`, body: profile, answers: byStewards(200, 403) },
  { route: 'delete /api/v1/parks/{park}/entry-profiles/{profile}', path: `${PARK}/entry-profiles/p-2`, answers: byStewards(204, 403) },

  { route: 'get /api/v1/parks/{park}/applications', path: `${PARK}/applications`, answers: READ_PARK },
  { route: 'get /api/v1/parks/{park}/applications/{application}', path: `${PARK}/applications/a-alpha`, answers: READ_ALPHA },
  {
    route: 'put /api/v1/parks/{park}/applications/{application}',
    path: `${PARK}/applications/a-alpha`,
    body: { enterprise: 'alpha', profile: 'p-1', declared: { water: 2.5 } },
    answers: [401, 200, 200, 404, 403, 404, 200, 404, 404],
  },
  { route: 'delete /api/v1/parks/{park}/applications/{application}', path: `${PARK}/applications/a-alpha`, answers: byStewards(204, 404) },
  { route: 'get /api/v1/parks/{park}/applications/{application}/assessment', path: `${PARK}/applications/a-alpha/assessment`, answers: READ_ALPHA },

  { route: 'get /api/v1/quantities', path: '/api/v1/quantities', answers: READ_OWN_LIST },
  { route: 'get /api/v1/meters/{meter}/latest', path: '/api/v1/meters/m-alpha/latest', answers: READ_ALPHA },
  { route: 'get /api/v1/meters/{meter}/series', path: '/api/v1/meters/m-alpha/series?quantity=active_power', answers: READ_ALPHA },
  { route: 'get /api/v1/meters/{meter}/revisions', path: '/api/v1/meters/m-alpha/revisions?quantity=active_power&ts=0', answers: READ_ALPHA },
  {
    route: 'post /api/v1/meters/{meter}/corrections',
    path: '/api/v1/meters/m-alpha/corrections',
    body: { quantity: 'active_power', ts: '0', value: 1, reason: 'read off by hand' },
    answers: byStewards(201, 404),
  },
  { route: 'get /api/v1/meters/{meter}/register-changes', path: '/api/v1/meters/m-alpha/register-changes', answers: READ_ALPHA },
  {
    route: 'post /api/v1/meters/{meter}/register-changes',
    path: '/api/v1/meters/m-alpha/register-changes',
    body: { quantity: 'active_energy_import', at: '2026-01-15T00:00:00Z', kind: 'exchange', closing: 100, opening: 0, reason: 'meter exchanged' },
    answers: byStewards(201, 404),
  },

  { route: 'get /api/v1/parks/{park}/state', path: `${PARK}/state`, answers: READ_PARK },
  { route: 'get /api/v1/parks/{park}/usage', path: `${PARK}/usage`, answers: READ_PARK },
  { route: 'get /api/v1/meters/{meter}/balance', path: '/api/v1/meters/m-alpha/balance', answers: READ_ALPHA },
  { route: 'get /api/v1/parks/{park}/carbon', path: `${PARK}/carbon`, answers: READ_PARK },
  { route: 'get /api/v1/parks/{park}/environment', path: `${PARK}/environment`, answers: READ_PARK },

  { route: 'get /api/v1/parks/{park}/alerts', path: `${PARK}/alerts`, answers: READ_PARK },
  { route: 'get /api/v1/alerts/{alert}', path: '/api/v1/alerts/al-alpha', answers: READ_ALPHA },
  { route: 'post /api/v1/alerts/{alert}/acknowledge', path: '/api/v1/alerts/al-alpha/acknowledge', answers: byStewards(200, 404) },
  {
    route: 'post /api/v1/alerts/{alert}/shelve',
    path: '/api/v1/alerts/al-alpha/shelve',
    body: { until: '2026-01-16T00:00:00+08:00', reason: 'being repaired' },
    answers: byStewards(200, 404),
  },

  { route: 'get /api/v1/audit', path: '/api/v1/audit', answers: OVERSEE_OWN_LIST },
  {
    route: 'post /api/v1/readings',
    path: '/api/v1/readings',
    body: { meter: 'm-alpha', ts: 1_768_000_000_000, values: { active_power: 1 } },
    answers: BY_OPERATOR_ALONE(200),
  },
  { route: 'get /api/v1/unknown-meters', path: '/api/v1/unknown-meters', answers: BY_OPERATOR_ALONE(200) },
  {
    route: 'post /api/v1/unknown-meters/{meter}/register',
    path: '/api/v1/unknown-meters/m-ghost/register',
    body: { park: 'north', enterprise: null, name: '新表', kind: 'water', parent: null, gateway: null },
    answers: BY_OPERATOR_ALONE(404),
  },
  { route: 'delete /api/v1/unknown-meters/{meter}', path: '/api/v1/unknown-meters/m-ghost', answers: BY_OPERATOR_ALONE(404) },
  {
    route: 'post /api/v1/unknown-devices/register',
    path: '/api/v1/unknown-devices/register',
    body: {
      ...{ park: 'north', mapping: 'mp-1', device: 'Device A' },
      meter: { id: 'm-device', enterprise: null, name: '新表', kind: 'water', parent: null, gateway: null },
    },
    answers: BY_OPERATOR_ALONE(404),
  },
  {
    route: 'delete /api/v1/unknown-devices',
    path: '/api/v1/unknown-devices?park=north&mapping=mp-1&device=Device%20A',
    answers: BY_OPERATOR_ALONE(404),
  },
  {
    route: 'post /api/v1/unknown-loggers/register',
    path: '/api/v1/unknown-loggers/register',
    body: {
      ...{ mn: 'MN1', park: 'north', gateway: { id: 'gw-new', name: '数采仪' }, password: 'abc123' },
      meter: { id: 'm-logger', enterprise: null, name: '排口', kind: 'stack', parent: null },
    },
    answers: BY_OPERATOR_ALONE(404),
  },
  { route: 'delete /api/v1/unknown-loggers/{mn}', path: '/api/v1/unknown-loggers/MN1', answers: BY_OPERATOR_ALONE(404) },
  { route: 'get /api/v1/dead-letters/export', path: '/api/v1/dead-letters/export', answers: OVERSEE_OWN_LIST },
  { route: 'post /api/v1/dead-letters/replay', path: '/api/v1/dead-letters/replay', body: { ids: [999] }, answers: BY_OPERATOR_ALONE(200) },
  { route: 'get /api/v1/dead-letters', path: '/api/v1/dead-letters', answers: OVERSEE_OWN_LIST },
  { route: 'get /api/v1/dead-letters/{letter}', path: '/api/v1/dead-letters/1', answers: [401, 200, 200, 404, 200, 404, 403, 403, 403] },

  { route: 'get /api/v1/ingest/state', path: '/api/v1/ingest/state', answers: BY_OPERATOR_ALONE(200) },
  { route: 'get /api/v1/ingest/gateways', path: '/api/v1/ingest/gateways', answers: BY_OPERATOR_ALONE(200) },
  { route: 'get /api/v1/ingest/left-out', path: '/api/v1/ingest/left-out', answers: [401, 200, 200, 200, 403, 403, 403, 403, 403] },

  { route: 'get /healthz', path: '/healthz', answers: EVERYBODY },
  { route: 'get /readyz', path: '/readyz', answers: EVERYBODY },
  // Asked from the same machine, where nobody needs a token; whoever shows one is taken at it.
  { route: 'get /metrics', path: '/metrics', answers: [200, 200, 403, 403, 403, 403, 403, 403, 403] },
  { route: 'get /openapi.json', path: '/openapi.json', answers: EVERYBODY },
  { route: 'get /docs', path: '/docs', answers: EVERYBODY },
  { route: 'get /docs/style.css', path: '/docs/style.css', answers: EVERYBODY },
];
