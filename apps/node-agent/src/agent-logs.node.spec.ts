import { appendFileSync, existsSync, readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { type IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { constants } from 'node:os';
import { agentServerName } from '@fsb/agent-api/agent-endpoint';
import { LOG_FRAMES_TYPE } from '@fsb/agent-api/log-frames';
import { StreamLogsResponse } from '@fsb/api/gen/fastpath/v1/logs';
import { once } from 'node:events';
import { eventually } from '../../../test/support/eventually';
import { AgentProcess } from '../../../test/support/agent-process';

const MAX_BYTES = 64 * 1024;

describe("node-agent: sandboxes' logs", () => {
  let agent: AgentProcess;

  beforeAll(async () => {
    agent = await AgentProcess.start('logs', {
      ...{ 'log-max-size': '64Ki', 'log-sweep-interval': '100ms', 'ended-logs-per-namespace': '640Ki' },
    });
  }, 120_000);

  afterAll(() => agent.stop(), 60_000);

  /** Pid of the log writer of a sandbox. */
  function writerOf(sandbox: string): number {
    const log = agent.path(`logs/${sandbox}.log`);
    const holds = (pid: string): boolean => {
      try {
        if (!readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('log-writer-')) return false;
        return readdirSync(`/proc/${pid}/fd`).some((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`) === log);
      } catch {
        return false; // gone meanwhile
      }
    };
    return Number(readdirSync('/proc').find((pid) => /^\d+$/.test(pid) && holds(pid)));
  }

  const script = (text: string): object => ({ command: ['/bin/sh', '-c', text] });

  async function read(query: string): Promise<{ status: number; type: string | null; text: string }> {
    const response = await agent.fetch(`logs?${query}`);
    return { status: response.status, type: response.headers.get('content-type'), text: await response.text() };
  }

  it('are text, whole or their last lines', async () => {
    await agent.create(
      'lines',
      script('exec 2>&1; for i in 1 2 3 4 5; do echo "line $i"; done; echo problem >&2; printf end'),
    );
    await agent.ended('lines');
    const whole = await read('sandboxId=lines');
    expect(whole).toMatchObject({ status: 200, type: 'text/plain; charset=utf-8' });
    expect(whole.text).toBe('line 1\nline 2\nline 3\nline 4\nline 5\nproblem\nend');
    expect((await read('sandboxId=lines&tailLines=2')).text).toBe('problem\nend');
    expect((await read('sandboxId=lines&tailLines=0')).text).toBe('');
    expect((await read('sandboxId=lines&tailLines=100&follow=true')).text).toBe(whole.text);
  });

  it('end where they ended at the time of the request, also their last lines', async () => {
    await agent.create('busy', script('while :; do echo line; usleep 500; done'));
    await eventually(async () => (await read('sandboxId=busy')).text.length > 100);
    for (let i = 0; i < 20; i++) expect((await read('sandboxId=busy&tailLines=2')).text).toBe('line\nline\n');
    await agent.post('delete', { sandboxId: 'busy' });
  });

  it.each([
    ['sandboxId=unknown', 404, /unknown is not on this agent/],
    ['', 400, /sandboxId/],
    ['sandboxId=', 400, /sandboxId/],
    ['sandboxId=../token', 400, /sandboxId/],
    ['sandboxId=..%2Ftoken', 400, /sandboxId/],
    ['sandboxId=lines%00', 400, /sandboxId/],
    ['sandboxId=lines&sandboxId=other', 400, /sandboxId/],
    ['sandboxId=lines&follow=maybe', 400, /follow/],
    ['sandboxId=lines&tailLines=-1', 400, /tailLines/],
    ['sandboxId=lines&tailLines=many', 400, /tailLines/],
    ['sandboxId=lines&stream=both', 400, /stream/],
    ['sandboxId=lines&framed=yes', 400, /framed/],
  ])('answer query "%s" with %d', async (query, status, message) => {
    const answer = await read(query);
    expect(answer.status).toBe(status);
    expect((JSON.parse(answer.text) as { message: string }).message).toMatch(message);
  });

  it('answer a follower at once, also where the sandbox prints nothing', async () => {
    await agent.create('silent', script('trap "exit 0" TERM; sleep 1000 & wait'));
    const leave = new AbortController();
    const response = await agent.fetch('logs?sandboxId=silent&follow=true', { signal: leave.signal });
    expect(response.status).toBe(200); // the headers came, without any byte of the log
    leave.abort();
    await agent.post('delete', { sandboxId: 'silent' });
  }, 8_000);

  it('are refused to the 257th reader with status 503', async () => {
    await agent.create('crowded', script('trap "exit 0" TERM; sleep 1000 & wait'));
    const leave = new AbortController();
    const follow = (): Promise<Response> => agent.fetch('logs?sandboxId=crowded&follow=true', { signal: leave.signal });
    const readers = await Promise.all(Array.from({ length: 256 }, follow));
    expect(readers.every(({ status }) => status === 200)).toBe(true);
    const refused = await follow();
    expect(refused.status).toBe(503);
    expect(await refused.text()).toContain('256 log readers');
    leave.abort();
    await eventually(async () => expect((await read('sandboxId=lines')).status).toBe(200));
    await agent.post('delete', { sandboxId: 'crowded' });
  });

  it('are followed line by line, to the last one of a sandbox that ends', async () => {
    await agent.create('follow', script('echo first; sleep 1; echo second; sleep 1; echo last'));
    const response = await agent.fetch('logs?sandboxId=follow&follow=true');
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
    const first = await reader.read();
    expect(first.value).toBe('first\n');
    expect((await agent.of('follow'))?.phase).toBe('running');
    expect((await reader.read()).value).toBe('second\n');
    const began = performance.now();
    expect((await reader.read()).value).toBe('last\n');
    expect((await reader.read()).done).toBe(true);
    expect(performance.now() - began).toBeLessThan(3000);
    expect((await agent.of('follow'))?.phase).toBe('stopped');
  }, 20_000);

  it('lose their oldest lines but none for a follower, and are removed with the sandbox', async () => {
    const lines = 4000; // 100 bytes each: six times the size, at a pace that the sweep follows
    const text = 'x'.repeat(90);
    await agent.create(
      'trimmed',
      script(
        `i=0; while [ $i -lt ${lines} ]; do echo "$((100000 + i)) ${text}"; i=$((i+1)); [ $((i % 100)) = 0 ] && sleep 0.03; done; sleep 0.5`,
      ),
    );
    const followed = (await read('sandboxId=trimmed&follow=true')).text.split('\n');
    expect(followed.pop()).toBe('');
    const numbers = followed.map((line) => Number(line.split(' ')[0]) - 100_000);
    expect(numbers).toEqual(Array.from({ length: lines }, (_, i) => i));
    const logFile = agent.path('logs/trimmed.log');
    await eventually(() => statSync(logFile).blocks * 512 <= 4 * MAX_BYTES + 4096);
    const [notice, ...kept] = (await read('sandboxId=trimmed')).text.split('\n');
    const dropped = Number(/^--- fast-sandbox: (\d+) bytes dropped: /.exec(notice!)?.[1]);
    expect(kept.pop()).toBe('');
    expect(kept.length * (text.length + 7 + 1)).toBe(statSync(logFile).size - dropped);
    expect(kept.map((line) => Number(line.split(' ')[0]) - 100_000)).toEqual(
      kept.map((_, i) => lines - kept.length + i),
    );
    expect((await read('sandboxId=trimmed&tailLines=900')).text.split('\n')).toHaveLength(901);
    await agent.post('delete', { sandboxId: 'trimmed' });
    await eventually(() => ['', '.start'].every((end) => !existsSync(`${logFile}${end}`)));
  }, 30_000);

  it('keep the newest lines of a process that writes as fast as it can', async () => {
    const bytes = 40_000_000;
    await agent.create('fast', script(`yes 0123456789abcde | head -c ${bytes}; echo last; sleep 100`));
    const onDisk = () => (statSync(agent.path('logs/fast.log'), { throwIfNoEntry: false })?.blocks ?? 0) * 512;
    let most = 0;
    await eventually(async () => {
      most = Math.max(most, onDisk());
      return onDisk() <= 4 * MAX_BYTES + 4096 && (await read('sandboxId=fast&tailLines=1')).text === 'last\n';
    }, 20_000);
    expect(most).toBeLessThan(bytes); // the sweep kept up
    const { text } = await read('sandboxId=fast');
    expect(text).toMatch(/^--- fast-sandbox: \d+ bytes dropped: .* ---\n(0123456789abcde\n)+last\n$/);
    const dropped = Number(/\d+/.exec(text)?.[0]);
    expect(dropped + text.length - text.indexOf('\n') - 1).toBe(bytes + 'last\n'.length);
  }, 30_000);

  it('are complete where stdout was closed first, after warm and cold starts', async () => {
    for (const name of ['mute1', 'mute2', 'mute3']) {
      await agent.create(name, script('exec >/dev/null; echo only >&2; exit 2'));
      expect((await read(`sandboxId=${name}&follow=true`)).text).toBe('only\n');
      await agent.post('delete', { sandboxId: name });
    }
  });

  it('tell stderr from stdout, after warm and cold starts', async () => {
    for (const name of ['apart1', 'apart2', 'apart3']) {
      await agent.create(
        name,
        script('echo one; sleep 0.1; echo two >&2; sleep 0.1; printf three; sleep 0.1; echo four >&2'),
      );
      expect((await read(`sandboxId=${name}&follow=true`)).text).toBe('one\ntwo\nthreefour\n');
      expect((await read(`sandboxId=${name}&stream=stdout`)).text).toBe('one\nthree');
      expect((await read(`sandboxId=${name}&stream=stderr&follow=true`)).text).toBe('two\nfour\n');
      expect((await read(`sandboxId=${name}&stream=stderr&tailLines=1`)).text).toBe('four\n');
      const framed = await agent.fetch(`logs?sandboxId=${name}&framed=true&tailLines=2`);
      expect(framed.headers.get('content-type')).toBe(LOG_FRAMES_TYPE);
      const frame = Buffer.from(await framed.arrayBuffer());
      expect(frame.readUInt32BE(0)).toBe(frame.length - 4);
      expect(StreamLogsResponse.decode(frame.subarray(4))).toEqual({
        data: Buffer.from('two\nthreefour\n'),
        turns: [0, 4, 5, 5],
      });
      await agent.post('delete', { sandboxId: name });
      const files = ['', '.streams', '.start'].map((end) => agent.path(`logs/${name}.log${end}`));
      await eventually(() => !files.some((file) => existsSync(file)));
    }
  });

  it('have a writer that outlives the agent, and ends with its container', async () => {
    await agent.create(
      'lives',
      script('i=0; while [ $i -lt 40 ]; do echo $i; echo $i >&2; i=$((i+1)); sleep 0.05; done'),
    );
    const writer = writerOf('lives');
    await agent.end('SIGKILL');
    await agent.launch();
    const numbers = Array.from({ length: 40 }, (_, i) => `${i}\n`).join('');
    expect((await read('sandboxId=lives&follow=true&stream=stdout')).text).toBe(numbers);
    expect((await read('sandboxId=lives&stream=stderr')).text).toBe(numbers);
    expect(existsSync(`/proc/${writer}`)).toBe(false);
    await agent.post('delete', { sandboxId: 'lives' });
  });

  it('end where their writer is killed: the next write fails, and no exit is lost', async () => {
    const scripts = {
      talks: 'echo here; while echo more; do sleep 0.05; done; yes; exit $?',
      quiet: 'echo here; sleep 4; exit 3',
      ignores: 'trap "" PIPE; sleep 4; echo lost || exit 4',
    };
    for (const [name, text] of Object.entries(scripts)) {
      await agent.create(name, script(text));
      await eventually(() => existsSync(agent.path(`logs/${name}.log`)));
      process.kill(writerOf(name), 'SIGKILL');
    }
    expect(await agent.ended('talks')).toMatchObject({ phase: 'failed', exitCode: 128 + constants.signals.SIGPIPE });
    expect(await agent.ended('quiet')).toMatchObject({ phase: 'failed', exitCode: 3 });
    expect(await agent.ended('ignores')).toMatchObject({ phase: 'failed', exitCode: 4 });
    expect((await read('sandboxId=quiet&follow=true')).text).toMatch(/^(here\n)?$/);
    for (const name of ['talks', 'quiet', 'ignores']) await agent.post('delete', { sandboxId: name });
    await eventually(async () => expect(await agent.of('talks')).toBeUndefined());
  });

  it('end with the process though a child holds them open', async () => {
    await agent.create('parent', script('(trap "" TERM; sleep 1000) & echo parent; echo gone >&2; exit 5'));
    const began = performance.now();
    expect(await agent.ended('parent')).toMatchObject({ exitCode: 5 });
    expect((await read('sandboxId=parent&follow=true')).text).toBe('parent\ngone\n');
    expect(performance.now() - began).toBeLessThan(3000);
    await agent.post('delete', { sandboxId: 'parent' });
  });

  it('have a writer that their process can neither see, stop nor kill', async () => {
    const attack =
      'for p in /proc/[0-9]*; do kill -STOP ${p#/proc/}; done 2>/dev/null; kill -STOP -1 2>/dev/null; kill -KILL -1 2>/dev/null; echo alive; echo alive >&2';
    await agent.create('hostile', script(`${attack}; cat /proc/[0-9]*/cmdline | grep -c 'log-writer-[0-9]'`));
    const writer = writerOf('hostile');
    expect((await read('sandboxId=hostile&stream=stderr&follow=true')).text).toBe('alive\n');
    expect((await read('sandboxId=hostile&stream=stdout')).text).toBe('alive\n0\n');
    expect(writer).toBeGreaterThan(0);
    await agent.post('delete', { sandboxId: 'hostile' });
  });

  it('are kept within limits while the object stays, and name the limit that removed them', async () => {
    const megabyte = `yes 0123456789abcde | head -c 200000`;
    for (const n of [1, 2, 3, 4]) {
      const owner = { claimUid: `uid-${n}`, claimName: `kept${n}`, namespace: 'default' };
      await agent.create(`kept${n}`, { ...script(`${megabyte}; echo last ${n}`), ...owner });
      await agent.ended(`kept${n}`);
      await agent.post('delete', { sandboxId: `kept${n}`, keepLog: true });
      await eventually(async () => expect(await agent.of(`kept${n}`)).toBeUndefined());
    }
    for (const n of [2, 3, 4]) expect((await read(`sandboxId=kept${n}&tailLines=1`)).text).toBe(`last ${n}\n`);
    expect((await read('sandboxId=kept4&follow=true')).text).toMatch(/^(0123456789abcde\n)+last 4\n$/);
    const gone = await read('sandboxId=kept1');
    expect(gone.status).toBe(410);
    expect(gone.text).toMatch(/a namespace keeps at most 655360 bytes .*--ended-logs-per-namespace/);
    expect(existsSync(agent.path('logs/kept1.log'))).toBe(false);
    await agent.end('SIGTERM');
    await agent.launch();
    expect((await read('sandboxId=kept3&tailLines=1')).text).toBe('last 3\n');
    expect((await read('sandboxId=kept1')).status).toBe(410);
  }, 60_000);

  it('give a follower the last output of a deleted sandbox', async () => {
    await agent.create('deleted', script('trap "echo bye; exit 0" TERM; echo here; while :; do sleep 0.1; done'));
    await eventually(async () => (await read('sandboxId=deleted')).text === 'here\n');
    const followed = read('sandboxId=deleted&follow=true');
    await agent.post('delete', { sandboxId: 'deleted' });
    expect((await followed).text).toBe('here\nbye\n');
  });

  it('are not read ahead of a reader that is paused', async () => {
    const size = 60_000_000;
    appendFileSync(agent.path('logs/lines.log'), Buffer.alloc(size, 'x'));
    const readBytes = () => Number(/rchar: (\d+)/.exec(readFileSync(`/proc/${agent.pid}/io`, 'utf8'))?.[1]);
    const before = readBytes();
    const call = request({
      ...{ port: agent.port, host: '127.0.0.1', path: '/api/v1/agent/logs?sandboxId=lines' },
      ...agent.pki.client.current,
      servername: agentServerName(agent.podUid),
    });
    call.end();
    const [response] = (await once(call, 'response')) as [IncomingMessage];
    response.pause();
    let last = before;
    await eventually(
      () => {
        const [now, previous] = [readBytes(), last];
        last = now;
        return now > before + 100_000 && now - previous < 100_000;
      },
      10_000,
      300,
    );
    expect(last - before).toBeLessThan(size / 4);
    let received = 0;
    for await (const chunk of response) received += (chunk as Buffer).length;
    expect(received).toBeGreaterThan(size);
  }, 30_000);

  it('are aborted, not ended, when the agent stops, which does not wait for readers', async () => {
    await agent.create('open', script('echo here; sleep 100'));
    const response = await agent.fetch('logs?sandboxId=open&follow=true');
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
    expect((await reader.read()).value).toBe('here\n');
    const leave = new AbortController();
    await agent.events(leave.signal);
    const began = performance.now();
    const rest = reader.read();
    rest.catch(() => undefined); // looked at below
    expect(await agent.end('SIGTERM')).toBe(0);
    expect(performance.now() - began).toBeLessThan(4000);
    await expect(rest).rejects.toThrow();
    leave.abort();
  });
});
