import {
  type FileSource,
  type Given,
  refuseHalfPair,
  type Security,
  securityOf,
  type Source,
} from './connection-source';

const NOTHING: Source = {
  endpoint: undefined,
  insecurePlaintext: false,
  ...{ caFile: undefined, token: undefined, tokenFile: undefined, certFile: undefined, keyFile: undefined },
};
const given = (source: string, value = '/a/file'): Given => ({ source, value });
const TOKEN = given('FSB_TOKEN', 'secret');
const FILE: FileSource = {
  ...NOTHING,
  path: '/home/config.json',
  endpoint: 'file.example:9090',
  caFile: given('"caFile" in /home/config.json'),
  tokenFile: given('"tokenFile" in /home/config.json'),
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
      { endpoint: 'flag.example:1', tokenFile: given('--token-file') },
      { tokenFile: given('--token-file'), caFile: undefined },
    ],
    [
      "the caller's credentials to the file's endpoint when the caller names it too",
      { endpoint: FILE.endpoint, token: TOKEN },
      { token: TOKEN, tokenFile: undefined, caFile: FILE.caFile },
    ],
    [
      "the file's credentials with the caller's CA",
      { caFile: given('--ca-file') },
      { ...ofFile, caFile: given('--ca-file') },
    ],
  ])('sends %s', (_, caller, expected) => {
    expect(security(caller)).toMatchObject(expected);
  });

  it.each<[string, Partial<Source>, string]>([
    ['a token to the endpoint of the file', { token: TOKEN }, 'FSB_TOKEN: is sent only to'],
    ['a token file to the endpoint of the file', { tokenFile: given('--token-file') }, '--token-file: is sent only to'],
    [
      'a certificate to the endpoint of the file',
      { certFile: given('FSB_CERT_FILE'), keyFile: given('--key-file') },
      'FSB_CERT_FILE: is sent only to',
    ],
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
    expect(security({ endpoint: FILE.endpoint, token: TOKEN }, plaintext)).toMatchObject({ token: TOKEN });
  });

  it("sends the caller's credentials when there is no file", () => {
    expect(securityOf({ ...NOTHING, token: TOKEN }, undefined)).toMatchObject({ token: TOKEN });
  });
});

it.each([
  ['certFile', 'needs a key'],
  ['keyFile', 'needs a certificate'],
])('refuseHalfPair: refuses %s alone', (key, reason) => {
  expect(() => refuseHalfPair({ ...NOTHING, [key]: given('its source') })).toThrow(`its source: ${reason}`);
  expect(() => refuseHalfPair({ ...NOTHING, certFile: given('a'), keyFile: given('b') })).not.toThrow();
});
