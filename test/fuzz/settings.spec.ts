import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { CreateRequest } from '@fsb/api/gen/fastpath/v1/fastpath';
import { type Flags } from '@fsb/component-base/config';
import * as fc from 'fast-check';
import { InvalidArgumentError } from 'commander';
import { gatewayFlags } from '../../apps/fastpath-gateway/src/gateway.config';
import { CommandError } from '../../apps/fsb-ctl/src/command-error';
import { readConfig } from '../../apps/fsb-ctl/src/config-file';
import { createRequest } from '../../apps/fsb-ctl/src/create-request';
import { durationFlag, env, expireTime, labels, policy, ports } from '../../apps/fsb-ctl/src/flag-values';
import { parseSandboxFile } from '../../apps/fsb-ctl/src/sandbox-file';
import { CommandLine } from '../../apps/fsb-ctl/src/testing/command';
import { janitorFlags } from '../../apps/janitor/src/janitor.config';
import { agentFlags } from '../../apps/node-agent/src/agent.config';
import { poolControllerFlags } from '../../apps/pool-controller/src/pool-controller.config';
import { sandboxControllerFlags } from '../../apps/sandbox-controller/src/sandbox-controller.config';
import { fuzz } from './fuzz';
import { brokenText, hostileText, mutated, mutationOf } from './hostile';
import { expectForPeople } from './refusal';

/** Errors that blame the caller. */
const MISTAKES = [CommandError, InvalidArgumentError];
const USAGE_EXIT = 2;
const CONFIG_EXIT = 78;
const PROCESS_MS = 30_000;

const SANDBOX_FILE = {
  ...{ image: 'busybox', pool_ref: 'pool', exposed_ports: ['80'], consistency_mode: 'fast', command: ['sh'] },
  ...{ args: ['a'], envs: { A: 'b' }, working_dir: '/tmp', labels: { a: 'b' }, resources: { cpu: '1', pids: '3' } },
};
const CONFIG_FILE = {
  ...{ endpoint: 'localhost:9090', namespace: 'default', editor: 'vi', insecurePlaintext: false },
  ...{ caFile: '/a', tokenFile: '/b', certFile: '/c', keyFile: '/d' },
};

const VARIABLES = ['FSB_ENDPOINT', 'ENDPOINT', 'FSB_NAMESPACE', 'EDITOR', 'FSB_TOKEN', 'FSB_CERT_FILE', 'FSB_CA_FILE'];

describe('settings: hostile input', () => {
  const folder = mkdtempSync(join(tmpdir(), 'fsb-fuzz-'));
  const configFile = join(folder, 'config.json');
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** @returns undefined when the input was refused with an error for the caller */
  async function attempt<T>(parse: () => T | Promise<T>): Promise<T | undefined> {
    try {
      return await parse();
    } catch (error) {
      expect(MISTAKES.some((mistake) => error instanceof mistake)).toBe(true);
      expectForPeople((error as Error).message, 300_000);
      return undefined;
    }
  }

  it('fsb-ctl: refuses or accepts sandbox files in YAML', async () => {
    const cases = fc.oneof(
      mutationOf(SANDBOX_FILE).map((mutation) => mutated(SANDBOX_FILE, mutation)),
      brokenText,
    );
    await fuzz('fsb-ctl, sandbox files', 0.03, cases, async (content) => {
      const file = await attempt(() => parseSandboxFile(content, 'a.yaml'));
      if (file?.image === undefined) return;
      const request = createRequest({ name: 'a', namespace: 'default', command: [] }, {}, file);
      expect(CreateRequest.decode(CreateRequest.encode(request).finish()).image).toBeDefined();
    });
  });

  it('fsb-ctl: refuses or accepts configuration files in JSON', async () => {
    const cases = fc.oneof(
      mutationOf(CONFIG_FILE).map((mutation) => mutated(CONFIG_FILE, mutation)),
      brokenText,
    );
    const warned = jest.spyOn(process.stderr, 'write').mockReturnValue(true); // warnings about unknown keys
    await fuzz('fsb-ctl, configuration files', 0.04, cases, async (content) => {
      writeFileSync(configFile, content);
      await attempt(() => readConfig(configFile));
    });
    warned.mockRestore();
  });

  it('fsb-ctl: refuses or accepts values of flags', async () => {
    await fuzz('fsb-ctl, flags', 0.04, hostileText, async (text) => {
      for (const parse of [ports, env, labels, policy, durationFlag, expireTime]) {
        const value = await attempt<unknown>(() => parse(text));
        if (typeof value === 'number') expect(Number.isSafeInteger(Math.trunc(value))).toBe(true);
      }
    });
  });

  it('fsb-ctl as a process: ends with exit code 0, 1 or 2 and a readable message', async () => {
    CommandLine.build();
    const line = new CommandLine();
    const word = hostileText.filter((text) => !text.includes('\0') && text.length < 100_000);
    const flags = ['--image', '--pool', '--ports', '--env', '--workdir', '--label', '--cpu', '--mode', '--expire-time'];
    const cases = fc.record({
      args: fc.array(fc.oneof(fc.constantFrom(...flags), word), { minLength: 1, maxLength: 5 }),
      environment: fc.dictionary(fc.constantFrom(...VARIABLES), word, { maxKeys: 2, noNullPrototype: true }),
      file: fc.oneof(
        mutationOf(SANDBOX_FILE).map((mutation) => mutated(SANDBOX_FILE, mutation)),
        brokenText,
      ),
    });
    await fuzz('fsb-ctl, processes', 0.0015, cases, async ({ args, environment, file }) => {
      line.env = environment;
      // nothing listens there, so valid input reaches nobody
      const { code, stderr } = await line.run(
        ['--endpoint', '127.0.0.1:1', '--timeout', '1s', 'run', 'a', '-f', '-', ...args],
        file,
      );
      expect([0, 1, USAGE_EXIT]).toContain(code);
      expectForPeople(stderr, 300_000);
    });
    line.remove();
  }, 120_000);

  const all: Readonly<Record<string, Flags>> = {
    ...{ 'fastpath-gateway': gatewayFlags, 'node-agent': agentFlags, janitor: janitorFlags },
    ...{ 'pool-controller': poolControllerFlags, 'sandbox-controller': sandboxControllerFlags },
  };

  it('services: refuse or accept values of flags', async () => {
    const cases = fc.constantFrom(...Object.keys(all)).chain((service) =>
      fc.record({
        service: fc.constant(service),
        name: fc.constantFrom(...Object.keys(all[service] ?? {})),
        value: fc.oneof(hostileText, fc.constantFrom('1'.repeat(400), '9'.repeat(12) + 'h', '0s', ':0', '[::]:1')),
      }),
    );
    await fuzz("services' flags", 0.06, cases, async ({ service, name, value }) => {
      const parsed = all[service]?.[name]?.schema.safeParse(value);
      if (parsed?.success === true && typeof parsed.data === 'number') expect(parsed.data).toBeLessThan(Infinity);
      if (parsed?.success === false) expect(parsed.error.issues.map(({ message }) => message).join()).toMatch(/\S/);
      await Promise.resolve();
    });
  });

  it('services as processes: name the invalid variable, and exit with 78', async () => {
    const cases = fc.record({
      service: fc.constantFrom(...Object.keys(all)),
      variable: fc.constantFrom('METRICS_BIND_ADDRESS', 'HEALTH_PROBE_BIND_ADDRESS', 'LOG_VERBOSITY'),
      value: fc.constantFrom('abc', '-1', 'a:b', '1e400', ':999999', '[', '\u{1f4a5}', 'x'.repeat(1_000)),
    });
    await fuzz("services' processes", 0.00025, cases, async ({ service, variable, value }) => {
      const main = resolve(__dirname, `../../dist/apps/${service}/src/main.js`);
      const { PATH = '' } = process.env;
      const { status, stderr } = spawnSync('node', [main], {
        env: { PATH, [variable]: value },
        encoding: 'utf8',
        timeout: PROCESS_MS,
      });
      expect(status).toBe(CONFIG_EXIT);
      expect(stderr).toContain(variable);
      expectForPeople(stderr, 10_000);
      await Promise.resolve();
    });
  }, 120_000);
});
