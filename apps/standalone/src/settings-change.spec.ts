import { layoutOf } from './layout';
import { type GivenSettings, resolveSettings } from './settings';
import { settingsChange } from './settings-change';

const settings = (given: GivenSettings = {}): ReturnType<typeof resolveSettings> =>
  resolveSettings(layoutOf('/nonexistent'), given);

describe('settingsChange', () => {
  it.each<[string, GivenSettings, ReturnType<typeof settingsChange>]>([
    ['nothing given', {}, { changes: [], refusal: undefined }],
    ['the same value given again', { replicas: '1' }, { changes: [], refusal: undefined }],
    ['more replicas', { replicas: '2' }, { changes: ['--replicas 1 to 2'], refusal: undefined }],
    [
      'several changes',
      { warmContainers: '0', otlpEndpoint: 'http://192.0.2.1:4318' },
      {
        changes: ['--warm-containers 16 to 0', '--otlp-endpoint nothing to http://192.0.2.1:4318'],
        refusal: undefined,
      },
    ],
    [
      'a change of containerd, which is refused',
      { containerd: 'private', replicas: '2' },
      {
        changes: ['--containerd auto to private', '--replicas 1 to 2'],
        refusal: '--containerd: cannot change while the stack runs; run down first',
      },
    ],
  ])('%s', (_what, given, expected) => {
    expect(settingsChange(settings(), settings(given))).toEqual(expected);
  });
});
