import type { Route } from './route.ts';
import { alertRoutes } from './routes/alerts.ts';
import { figureRoutes } from './routes/figures.ts';
import { ingestRoutes } from './routes/ingest.ts';
import { ingestOverviewRoutes } from './routes/ingest-overview.ts';
import { mappingRoutes } from './routes/mappings.ts';
import { oversightRoutes } from './routes/oversight.ts';
import { parkRoutes } from './routes/parks.ts';
import { quantityRoutes } from './routes/quantities.ts';
import { readingRoutes } from './routes/readings.ts';
import { registerChangeRoutes } from './routes/register-changes.ts';
import { registryRoutes } from './routes/registry.ts';
import { serviceRoutes } from './routes/service.ts';
import { sessionRoutes } from './routes/session.ts';
import { termRoutes } from './routes/terms.ts';

/** The whole surface. Routing, validation, authorisation and the description are derived from it. */
export const ROUTES: readonly Route[] = [
  ...sessionRoutes,
  ...parkRoutes,
  ...registryRoutes,
  ...mappingRoutes,
  ...termRoutes,
  ...quantityRoutes,
  ...readingRoutes,
  ...registerChangeRoutes,
  ...figureRoutes,
  ...alertRoutes,
  ...ingestRoutes,
  ...ingestOverviewRoutes,
  ...oversightRoutes,
  ...serviceRoutes(() => ROUTES),
];
