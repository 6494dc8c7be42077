// Floors of the house: model <- accounting, store <- ingest, alerts, api, dashboards <- main, cli, demo, bench, test.
// Nothing imports upward, siblings of one floor never meet except in main.ts, and there is no circle.
const floor = (name, from, to) => ({ name, severity: 'error', from: { path: from }, to: { path: to } });
/** What stands above all floors. */
const ROOT = 'main|config|core|metrics|readiness|demonstration|first-start|registers|transports';

module.exports = {
  forbidden: [
    { name: 'no-circle', severity: 'error', from: {}, to: { circular: true } },
    floor('model-is-the-ground', '^model/', `^(accounting|store|ingest|alerts|api|dashboards|demo|cli|bench|test|${ROOT})`),
    floor('model-is-pure', '^model/', '^(node:)?(fs|net|http|child_process|worker_threads|dgram|tls)$'),
    floor('accounting-stands-on-model', '^accounting/', `^(ingest|alerts|api|dashboards|demo|cli|bench|test|${ROOT})`),
    floor('store-stands-on-model', '^store/', `^(accounting|ingest|alerts|api|dashboards|demo|cli|bench|test|${ROOT})`),
    ...['ingest', 'alerts', 'api', 'dashboards'].map((part) =>
      floor(
        `${part}-meets-its-siblings-in-main`,
        `^${part}/`,
        `^(${['ingest', 'alerts', 'api', 'dashboards'].filter((other) => other !== part).join('|')}|demo|cli|bench|test|${ROOT})`,
      ),
    ),
    floor('demo-is-a-guest', '^demo/', `^(ingest|alerts|api|dashboards|cli|bench|test|${ROOT})`),
    floor('nothing-ships-test-code', `^(${ROOT}|model|accounting|store|ingest|alerts|api|dashboards|cli|demo)`, '^(test|bench)/'),
    { name: 'no-unresolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    exclude: { path: '^(build|node_modules)/|uplot.*css' },
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: { exportsFields: ['exports'], extensions: ['.ts', '.vue', '.js', '.mjs'], conditionNames: ['import', 'node', 'default'] },
  },
};
