import type { Enterprise, Gateway, Meter, Park } from '../model/registry.ts';
import type { Application, Cap, EntryProfile, Rule } from '../model/rules.ts';
import { APPLICATIONS, ENTRY_PROFILE } from './entry.ts';
import { ALL_ENTERPRISES, GATEWAYS, METERS, PARK_ID } from './meters.ts';
import { CAPS, RULES } from './rules.ts';

/** Everything that the registry holds of a park. Within each list what others name stands first, so it can be put in order. */
export interface ParkDocument {
  readonly parks: readonly Park[];
  readonly enterprises: readonly Enterprise[];
  readonly gateways: readonly Gateway[];
  readonly meters: readonly Meter[];
  readonly rules: readonly Rule[];
  readonly caps: readonly Cap[];
  readonly entryProfiles: readonly EntryProfile[];
  readonly applications: readonly Application[];
}

/**
 * The demonstration park: an invented one with invented enterprises in a real county, Longquanyi of Chengdu in Sichuan
 * (510112 of GB/T 2260). Its quotas and permits are this project's own; limits of standards carry their source.
 */
export const DEMO_PARK: ParkDocument = {
  parks: [
    {
      id: PARK_ID,
      name: '龙泉东麓绿色低碳产业园（演示）',
      nameEn: 'Longquan Dongli Green Industrial Park (demonstration)',
      region: '510112',
      timeZone: 'Asia/Shanghai',
    },
  ],
  enterprises: ALL_ENTERPRISES,
  gateways: GATEWAYS,
  meters: METERS,
  rules: RULES,
  caps: CAPS,
  entryProfiles: [ENTRY_PROFILE],
  applications: APPLICATIONS,
};
