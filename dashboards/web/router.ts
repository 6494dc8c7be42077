import { createRouter, createWebHistory, type RouteRecordRaw } from 'vue-router';
import { knownSession } from './session.ts';
import { startOf } from './start.ts';

const routes: RouteRecordRaw[] = [
  { path: '/sign-in', name: 'sign-in', component: () => import('./pages/sign-in.vue'), meta: { public: true } },
  { path: '/', name: 'home', component: () => import('./pages/parks.vue') },
  { path: '/parks/:park', name: 'park', component: () => import('./pages/park.vue') },
  { path: '/parks/:park/enterprises/:enterprise', name: 'enterprise', component: () => import('./pages/park.vue') },
  { path: '/parks/:park/meters', name: 'meters', component: () => import('./pages/meters.vue') },
  { path: '/parks/:park/meters/:meter', name: 'meter', component: () => import('./pages/meter.vue') },
  { path: '/parks/:park/alerts', name: 'alerts', component: () => import('./pages/alerts.vue') },
  { path: '/parks/:park/entry', name: 'entry', component: () => import('./pages/entry.vue') },
  { path: '/ingest', name: 'ingest', component: () => import('./pages/ingest.vue'), meta: { operator: true } },
  { path: '/:rest(.*)*', name: 'nothing', component: () => import('./pages/nothing.vue') },
];

export const router = createRouter({ history: createWebHistory(), routes, scrollBehavior: (_to, _from, saved) => saved ?? { top: 0 } });

router.beforeEach(async (to) => {
  if (to.meta['public'] === true) return true;
  const session = await knownSession();
  if (session === null) return { name: 'sign-in', query: to.fullPath === '/' ? {} : { next: to.fullPath } };
  const { scope } = session;
  if (to.meta['operator'] === true && session.role !== 'operator') return { name: 'nothing', params: { rest: ['ingest'] } };
  if (scope.kind === 'enterprise' && (to.name === 'park' || to.name === 'home' || (to.name === 'enterprise' && to.params['enterprise'] !== scope.enterprise)))
    return startOf(session);
  if (to.name === 'home' && session.parks.length === 1) return startOf(session);
  return true;
});
