import { mappingFaults } from './compile.ts';
import { SHIPPED_MAPPINGS } from './shipped/index.ts';
import { tryMapping } from './try.ts';

/** What the API and the command line ask of mappings. */
export const mappingDesk = { shipped: SHIPPED_MAPPINGS, check: mappingFaults, try: tryMapping } as const;
