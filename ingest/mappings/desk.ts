import type { MappingBody, Tried } from '../../model/mapping.ts';
import { DEFAULT_LIMITS } from '../limits.ts';
import { mappingFaults } from './compile.ts';
import { SHIPPED_MAPPINGS } from './shipped/index.ts';
import { tryMapping } from './try.ts';

/**
 * What the API and the command line ask of mappings.
 *
 * @param clockSkewMs how far in the future the service takes a reading
 */
export const createMappingDesk = (clockSkewMs: number = DEFAULT_LIMITS.clockSkewMs) =>
  ({
    shipped: SHIPPED_MAPPINGS,
    check: mappingFaults,
    try: (body: MappingBody, topic: string, payload: Uint8Array, receivedAt: number, gateway: string | null): Promise<Tried> =>
      tryMapping(body, topic, payload, receivedAt, gateway, clockSkewMs),
  }) as const;
