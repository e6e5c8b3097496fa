import { type FileSource, type Security, securityOf, type Source } from './connection-source';

const NOTHING: Source = {
  endpoint: undefined,
  insecurePlaintext: false,
  ...{ caFile: undefined, token: undefined, tokenFile: undefined, certFile: undefined, keyFile: undefined },
};
const FILE: FileSource = {
  ...NOTHING,
  path: '/home/config.json',
  endpoint: 'file.example:9090',
  caFile: '/file/ca.crt',
  tokenFile: '/file/token',
};

function security(caller: Partial<Source>, file: Partial<FileSource> = {}): Security {
  return securityOf({ ...NOTHING, ...caller }, { ...FILE, ...file });
}

describe('securityOf', () => {
  const ofFile = { tokenFile: FILE.tokenFile, caFile: FILE.caFile };
  it.each<[string, Partial<Source>, object]>([
    ["the file's credentials to the file's endpoint", {}, ofFile],
    ["the file's credentials to its endpoint when the caller names it too", { endpoint: FILE.endpoint }, ofFile],
    [
      "the caller's credentials to the caller's endpoint",
      { endpoint: 'flag.example:1', tokenFile: '/flag/token' },
      { tokenFile: '/flag/token', caFile: undefined },
    ],
    [
      "the caller's credentials to the file's endpoint when the caller names it too",
      { endpoint: FILE.endpoint, token: 'secret' },
      { token: 'secret', tokenFile: undefined, caFile: FILE.caFile },
    ],
    [
      "the file's credentials with the caller's CA",
      { caFile: '/other/ca.crt' },
      { ...ofFile, caFile: '/other/ca.crt' },
    ],
  ])('sends %s', (_, caller, expected) => {
    expect(security(caller)).toMatchObject(expected);
  });

  it.each<[string, Partial<Source>, string]>([
    ['a token of the environment to the endpoint of the file', { token: 's' }, 'FSB_TOKEN: is sent only to'],
    ['a token of the command line to the endpoint of the file', { tokenFile: '/t' }, '--token-file: is sent only to'],
    ['a certificate to the endpoint of the file', { certFile: '/c', keyFile: '/k' }, '--cert-file: is sent only to'],
  ])('refuses to send %s', (_, caller, reason) => {
    expect(() => security(caller)).toThrow(reason);
  });

  it('sends nothing of the file to another endpoint', () => {
    expect(security({ endpoint: 'a:1' })).toEqual({ ...NOTHING, endpoint: 'a:1' });
  });

  it("uses the file's insecurePlaintext for the file's endpoint only", () => {
    const plaintext = { insecurePlaintext: true, tokenFile: undefined };
    expect(security({}, plaintext)).toBe('plaintext');
    expect(security({ endpoint: 'a:1' }, plaintext)).not.toBe('plaintext');
    expect(security({ endpoint: FILE.endpoint, token: 's' }, plaintext)).toMatchObject({ token: 's' });
  });

  it("sends the caller's credentials when there is no file", () => {
    expect(securityOf({ ...NOTHING, token: 's' }, undefined)).toMatchObject({ token: 's' });
  });
});
