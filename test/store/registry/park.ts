import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ParkId } from '../../../model/ids.ts';
import { parseRegistryDocument, type RegistryDocument } from '../../../store/registry/document.ts';
import { type OpenRegistry, openRegistry } from '../../../store/registry/open.ts';

export const PARK = 'north' as ParkId;
export const OTHER = 'south' as ParkId;
export const BY = { actor: 'test', at: Date.UTC(2026, 0, 1) };

/** Two parks, the northern one with something of every kind, all tied together. */
export const aDocument = (): RegistryDocument =>
  parseRegistryDocument(`
parks:
  - { id: north, name: 北园, nameEn: North, region: '510112' }
  - { id: south, name: 南园, region: '510100' }
enterprises:
  - { id: steel, park: north, name: 钢厂, trade: 钢铁, tradeEn: Steel, stage: admitted }
  - { id: glass, park: north, name: 玻璃厂, trade: glass, stage: applicant }
gateways:
  - { id: gw-1, park: north, name: Gateway 1 }
  - { id: gw-south, park: south, name: Gateway S }
meters:
  - { id: m-main, park: north, name: 总表, kind: electricity, gateway: gw-1, multiplier: 400 }
  - { id: m-steel, park: north, enterprise: steel, name: 钢厂表, kind: electricity, parent: m-main, gateway: gw-1, units: { active_power: MW }, checks: { active_power: { stuckAfterSeconds: 600, restsAt: [0] } } }
  - { id: m-south, park: south, name: 南表, kind: water }
rules:
  - { id: r-limit, park: north, name: 功率, type: limit, subject: { meter: m-steel }, quantity: active_power, level: red, side: above, value: 5, judged: { by: instant } }
  - { id: r-entry, park: north, name: 准入, type: entry, level: blue, enterprise: steel, application: a-1, criterion: water }
caps:
  - { id: c-1, park: north, name: 电, enterprise: steel, carrier: electricity, flow: consumption, period: month, amount: 1000, stages: [{ percent: 80, level: yellow }] }
entryProfiles:
  - { id: p-1, park: north, name: 门槛, criteria: [{ id: water, name: 水耗, unit: m3/t, side: at-most, threshold: 3 }, { id: coal, name: 煤耗, unit: tce/t, side: at-most, threshold: 1 }] }
applications:
  - { id: a-1, park: north, enterprise: steel, profile: p-1, declared: { water: 2.5 } }
`);

/** A registry on a file of its own, gone after the test. */
export class TestRegistry {
  readonly folder = mkdtempSync(join(tmpdir(), 'greenpark-registry-'));
  readonly file = join(this.folder, 'registry.db');
  readonly #open: OpenRegistry[] = [];

  async open(): Promise<OpenRegistry> {
    const registry = await openRegistry(this.file);
    this.#open.push(registry);
    return registry;
  }

  clean(): void {
    for (const registry of this.#open) registry.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** The error that `work` ends in; fails when it ends well. */
export async function errorOf(work: Promise<unknown>): Promise<{ code: string; message: string; faults: readonly { path: string; message: string }[] }> {
  try {
    await work;
  } catch (error) {
    return error as never;
  }
  throw new Error('expected a refusal, but the call succeeded');
}
