import { decodeLogExit, encodeLogExit } from './log-exit';

const status = { sandboxId: 'id', claimUid: '', phase: 'failed', createdAt: 0 } as const;

describe('log exit trailer', () => {
  it.each([
    { exitCode: 7, reason: 'Error', message: '' },
    { exitCode: 0, reason: 'Completed', message: '' },
    { reason: 'ShimLost', message: 'nobody knows; "quoted", 100%, ä 漢\r\n' },
  ])('carries $reason', (exit) => {
    const encoded = encodeLogExit({ ...status, ...exit });
    expect(encoded).toMatch(/^[ -~]+$/);
    expect(decodeLogExit(encoded)).toEqual(exit);
  });

  it('is absent while the sandbox runs, and from an older agent', () => {
    expect(encodeLogExit(undefined)).toBeUndefined();
    expect(encodeLogExit({ ...status, phase: 'running' })).toBeUndefined();
    expect(decodeLogExit(undefined)).toBeUndefined();
    expect(decodeLogExit('%7Bno json')).toBeUndefined();
  });
});
