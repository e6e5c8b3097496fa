const swc = (parser, transform) => [
  '@swc/jest',
  { jsc: { parser, transform, target: 'es2023', keepClassNames: true }, module: { type: 'commonjs' } },
];
const project = (displayName, roots, extra = {}) => ({
  displayName,
  testEnvironment: 'node',
  roots: roots.map((root) => `<rootDir>/${root}`),
  testRegex: '\\.spec\\.ts$',
  moduleNameMapper: { '^@fsb/([^/]+)/(.+)$': '<rootDir>/libs/$1/src/$2' },
  transform: {
    '^.+\\.ts$': swc({ syntax: 'typescript', decorators: true }, { legacyDecorator: true, decoratorMetadata: true }),
    '^.+\\.js$': swc({ syntax: 'ecmascript' }),
  },
  // client-node and what it brings are ES modules, which Jest on Node 20 cannot require as they are
  transformIgnorePatterns: [
    '/node_modules/(?!(@kubernetes/client-node|openid-client|oauth4webapi|jose|jsonpath-plus)/)',
  ],
  ...extra,
});

/**
 * End-to-end specs whose result depends on the API server, which `make test-kube` repeats on a real one: schemas and
 * deletion as kubectl sees them, creates in both modes and what is written behind them, conflicts of two gateways about one
 * name, leases of two controllers. The others (agents, containers, metrics, the supervisor) see the API server only through
 * what these, differences.spec and the chaos run compare.
 */
const ON_A_REAL_API_SERVER = '/test/(kube/.*|e2e/(declarative|fast-path|replicas))\\.spec\\.ts$';

/** Folders with specs of two kinds: `*.spec.ts` starts nothing, `*.node.spec.ts` starts processes, servers or containers. */
const ROOMS = ['apps', 'libs', 'test/bench', 'test/manifests', 'test/soak'];

module.exports = {
  // Jest's own 5 s are for tests without processes
  testTimeout: 30_000,
  // a test that failed may have left a connection open: the run ends all the same, and says what failed
  forceExit: true,
  // two suites at a time on two cores: with three each takes 1.4 times as long, and more of them lose their patience
  maxWorkers: 2,
  globalSetup: '<rootDir>/test/support/build.ts',
  reporters: ['default', '<rootDir>/test/support/count-reporter.cjs'],
  projects: [
    project('pure', ROOMS, { testRegex: '(?<!\\.node)\\.spec\\.ts$' }),
    project('node', ROOMS, { testRegex: '\\.node\\.spec\\.ts$' }),
    project('e2e', ['test/e2e']),
    project('kube', ['test/kube', 'test/e2e'], { testRegex: ON_A_REAL_API_SERVER }),
    project('cluster', ['test/cluster']),
    project('fuzz', ['test/fuzz']),
    project('readme', ['test/readme']),
    project('upgrade', ['test/upgrade']),
  ],
};
