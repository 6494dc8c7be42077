import type { MappingBody, Tried } from '../../model/mapping.ts';
import { DEFAULT_LIMITS } from '../limits.ts';
import type { TimeBounds } from '../time-fits.ts';
import { mappingFaults } from './compile.ts';
import { SHIPPED_MAPPINGS } from './shipped/index.ts';
import { tryMapping } from './try.ts';

/**
 * What the API and the command line ask of mappings.
 *
 * @param bounds how far from now the service takes a reading, and takes its time for right
 */
export const createMappingDesk = (bounds: TimeBounds = DEFAULT_LIMITS) =>
  ({
    shipped: SHIPPED_MAPPINGS,
    check: mappingFaults,
    try: (body: MappingBody, topic: string, payload: Uint8Array, receivedAt: number, gateway: string | null): Promise<Tried> =>
      tryMapping(body, topic, payload, receivedAt, gateway, bounds),
  }) as const;
