import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectAsync } from 'mqtt';
import { PARK_ID } from '../../demo/meters.ts';
import { DEMO_PARK } from '../../demo/park.ts';
import type { Role } from '../../model/access.ts';
import { Caller, eventually } from '../integration/callers.ts';
import { GreenparkProcess } from '../integration/greenpark-process.ts';

const ADMIN_PASSWORD = 'a password for tests';
/** Every gateway of the demonstration reports its history before anything live; these stand for the meters of the two that have most. */
const LIVE_METERS = ['lq-in1', 'lq-in2'] as const;
/** A meter of the tests' own: its readings, and its silence, are theirs alone. */
const OWN = {
  gateway: 'browser-gateway',
  meter: 'browser-meter',
  rule: 'browser-limit',
  ruleName: '测试表功率过高',
  ruleNameEn: 'Test meter: power too high',
} as const;
const FROM_OWN = { gateway: OWN.gateway, intervalSeconds: 3600 } as const;

export const PARK = PARK_ID;
export const METER = LIVE_METERS[0];
/** The enterprise whose user the demonstration makes, and another one. */
const [own, other] = DEMO_PARK.enterprises.filter(({ stage }) => stage === 'admitted');
if (own === undefined || other === undefined) throw new Error('the demonstration has no two admitted enterprises');
export const ENTERPRISE = own;
export const OTHER_ENTERPRISE = other;

interface Account {
  readonly username: string;
  readonly password: string;
}

/** The executable with its demonstration park, as somebody starts it who tries Greenpark; its history is there. */
export class DemonstrationService {
  readonly folder: string;
  readonly url: string;
  readonly accounts: Readonly<Record<Role, Account>>;
  readonly admin: Caller;
  readonly #environment: Readonly<Record<string, string>>;
  #process: GreenparkProcess;
  #gatewaySecret: string | null = null;

  private constructor(folder: string, environment: Readonly<Record<string, string>>, process: GreenparkProcess, admin: Caller) {
    this.folder = folder;
    this.url = process.url;
    this.admin = admin;
    this.#environment = environment;
    this.#process = process;
    const told = (role: string): Account => {
      const password = new RegExp(`demo-${role} with (\\S+)`).exec(process.said)?.[1];
      if (password === undefined) throw new Error(`the first start did not say how to sign in as demo-${role}`);
      return { username: `demo-${role}`, password };
    };
    this.accounts = {
      operator: { username: 'admin', password: ADMIN_PASSWORD },
      committee: told('committee'),
      auditor: told('auditor'),
      enterprise: told('enterprise'),
    };
  }

  static async start(): Promise<DemonstrationService> {
    const folder = await mkdtemp(join(tmpdir(), 'greenpark-browser-'));
    const environment = { GREENPARK_DATA_DIR: folder, GREENPARK_ADMIN_PASSWORD: ADMIN_PASSWORD, GREENPARK_DEMO: '1' };
    const began = Date.now();
    const process = await GreenparkProcess.start(environment);
    const admin = await Caller.signIn(process.url, 'admin', ADMIN_PASSWORD);
    const service = new DemonstrationService(folder, environment, process, admin);
    await service.#live(began);
    await eventually(async () => (await service.#state()).figures.air !== null, 'the air quality', 30_000);
    return service;
  }

  /** As when the machine is switched off and on: same address, same data. */
  async stop(): Promise<void> {
    await this.#process.end('SIGTERM');
  }

  async startAgain(): Promise<void> {
    this.#process = await GreenparkProcess.start({ ...this.#environment, GREENPARK_HTTP_PORT: new URL(this.url).port });
  }

  async remove(): Promise<void> {
    await this.stop();
    await rm(this.folder, { recursive: true, force: true });
  }

  /** Registers a meter whose readings ended three days ago: one an hour over twenty hours. Answers the newest one's time. */
  async publishOld(meter: string): Promise<number> {
    this.#gatewaySecret ??= await this.#register();
    await this.#put(`meters/${meter}`, { name: '停用的表', nameEn: 'Meter taken out', kind: 'electricity', enterprise: null, parent: null, ...FROM_OWN });
    const end = Date.now() - 3 * 86_400_000;
    const readings = Array.from({ length: 20 }, (_, hour) => ({ ts: end - (19 - hour) * 3_600_000, values: { active_power: 40 + hour } }));
    await this.#send(`parks/${PARK}/meters/${meter}/readings`, JSON.stringify(readings));
    return end;
  }

  /** Registers a meter whose register fell from 60,010 to 30,000 some hours ago and went on from there. */
  async publishMoved(meter: string): Promise<void> {
    this.#gatewaySecret ??= await this.#register();
    await this.#put(`meters/${meter}`, { name: '换过的表', nameEn: 'Meter exchanged', kind: 'electricity', enterprise: null, parent: null, ...FROM_OWN });
    const end = Date.now() - 3_600_000;
    const readings = [60_000, 60_010, 30_000, 30_010].map((register, hour) => ({
      ts: end - (3 - hour) * 3_600_000,
      values: { active_energy_import: register },
    }));
    await this.#send(`parks/${PARK}/meters/${meter}/readings`, JSON.stringify(readings));
  }

  /** Publishes what no codec can read, so that a dead letter lies there. */
  async publishNonsense(): Promise<void> {
    await this.#send(`parks/${PARK}/meters/${OWN.meter}/readings`, '{"active_power": 12');
  }

  /** Registers a meter of the tests' own gateway, as somebody does who mends what was refused. */
  async register(meter: string): Promise<void> {
    await this.#put(`meters/${meter}`, { name: meter, kind: 'electricity', enterprise: null, parent: null, ...FROM_OWN });
  }

  /** The gateway reports for a meter that nobody has registered. */
  async publishUnknown(meter: string, kw: number): Promise<void> {
    await this.#send(`parks/${PARK}/meters/${meter}/readings`, JSON.stringify({ ts: Date.now(), values: { active_power: kw, voltage_a: 231 } }));
  }

  /** A device whose names the mapping of its topic does not know reports by the gateway. */
  async publishUnmapped(meter: string, values: object): Promise<void> {
    const mapping = { name: '车间网关', topics: ['workshop/{meter}/values'], meter: '$topic.meter', named: { from: '$', others: 'ignore' } };
    await this.admin.put(`/api/v1/parks/${PARK}/mappings/browser-workshop`, mapping);
    await this.#send(`workshop/${meter}/values`, JSON.stringify(values));
  }

  /** Registers a meter with a limit of 500 kW, publishes `kw` for it through the broker, and answers the rule's name. */
  async publish(kw: number): Promise<string> {
    await this.#send(`parks/${PARK}/meters/${OWN.meter}/readings`, JSON.stringify({ active_power: kw }));
    return OWN.ruleName;
  }

  async #send(topic: string, payload: string): Promise<void> {
    this.#gatewaySecret ??= await this.#register();
    const gateway = await connectAsync(`mqtt://127.0.0.1:${this.#process.mqttPort}`, {
      username: OWN.gateway,
      password: this.#gatewaySecret,
      reconnectPeriod: 0,
    });
    try {
      await gateway.publishAsync(topic, payload, { qos: 1 });
    } finally {
      await gateway.endAsync(true);
    }
  }

  async #put(path: string, body: object): Promise<{ readonly secret?: string }> {
    const answer = await this.admin.put<{ readonly secret?: string }>(`/api/v1/parks/${PARK}/${path}`, body);
    if (answer.status > 201) throw new Error(`PUT ${path} answered ${answer.status}: ${JSON.stringify(answer.body)}`);
    return answer.body;
  }

  async #register(): Promise<string> {
    const { secret } = await this.#put(`gateways/${OWN.gateway}`, { name: '测试网关' });
    await this.#put(`meters/${OWN.meter}`, { name: '测试表', nameEn: 'Test meter', kind: 'electricity', enterprise: null, parent: null, ...FROM_OWN });
    await this.#put(`rules/${OWN.rule}`, {
      ...{ type: 'limit', name: OWN.ruleName, nameEn: OWN.ruleNameEn, subject: { meter: OWN.meter }, quantity: 'active_power' },
      ...{ side: 'above', value: 500, deadband: 20, judged: { by: 'instant' }, level: 'red' },
    });
    if (secret === undefined) throw new Error('a new gateway was given no secret');
    return secret;
  }

  async #live(began: number): Promise<void> {
    for (const meter of LIVE_METERS) {
      const isLive = async () => {
        const items = await this.admin.items<{ readonly ts: string }>(`/api/v1/meters/${meter}/latest`);
        return items.some(({ ts }) => Date.parse(ts) > began + 1000);
      };
      await eventually(isLive, `the history of ${meter}`, 90_000);
    }
  }

  async #state(): Promise<{ readonly figures: { readonly air: object | null } }> {
    return (await this.admin.get<{ readonly figures: { readonly air: object | null } }>(`/api/v1/parks/${PARK}/state`)).body;
  }
}

let running: Promise<DemonstrationService> | null = null;

/** One service for all browser tests: its week of history takes a while. */
export const demonstration = (): Promise<DemonstrationService> => (running ??= DemonstrationService.start());

after('stops the demonstration', async function () {
  this.timeout(60_000);
  await (await running?.catch(() => null))?.remove();
});
