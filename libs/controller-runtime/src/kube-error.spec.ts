import { kubeError } from './kube-error';

const status = (causes: readonly object[]): string =>
  JSON.stringify({
    ...{ kind: 'Status', reason: 'Invalid', code: 422 },
    message: 'Sandbox.sandbox.fast.io "one" is invalid: spec.envs[0].value: Invalid value: "s3cr3t": too long',
    details: { kind: 'Sandbox', name: 'one', causes },
  });

it('kubeError: omits quoted values of variables, commands and arguments', () => {
  const causes = [
    { reason: 'FieldValueInvalid', field: 'spec.envs[0].value', message: 'Invalid value: "s3cr3t": too long' },
    { reason: 'FieldValueInvalid', field: 'spec.args[3]', message: 'Invalid value: "s3cr3t": too long' },
    { reason: 'FieldValueInvalid', field: 'spec.poolRef', message: 'Invalid value: "Pool": must be lower case' },
  ];
  expect(kubeError('create sandboxes', 422, status(causes)).message).toBe(
    'create sandboxes: Sandbox "one" is invalid: spec.envs[0].value: FieldValueInvalid, spec.args[3]: FieldValueInvalid, ' +
      'spec.poolRef: Invalid value: "Pool": must be lower case',
  );
});

it.each([
  ['a message alone', '{"message":"no","reason":"Forbidden"}', 'create: no'],
  ['causes of another shape', '{"message":"no","details":{"causes":7}}', 'create: no'],
  ['another JSON value', '[]', 'create: HTTP 500'],
  ['no JSON', '<html>', 'create: <html>'],
])('kubeError: makes a message from %s', (_what, body, message) => {
  expect(kubeError('create', 500, body).message).toBe(message);
});
