import { type StoredObject } from '../kube-object';
import { fieldSelector, labelSelector } from './selectors';

const object: StoredObject = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'a', labels: { app: 'agent', pool: 'p' } },
  spec: { nodeName: 'n', unschedulable: true },
};

describe('labelSelector', () => {
  it.each([
    ['', true],
    ['app=agent', true],
    ['app==agent,pool=p', true],
    ['app!=agent', false],
    ['other!=x', true],
    ['pool in (q, p)', true],
    ['pool notin (p)', false],
    ['other notin (p)', true],
    ['other in (p)', false],
    ['app', true],
    ['!app', false],
    ['!other,pool in (p),app=agent', true],
  ])('%s', (text, expected) => {
    expect(labelSelector(text)(object)).toBe(expected);
  });

  it.each(['=a', 'a in b', 'a b'])('refuses %s', (text) => {
    expect(() => labelSelector(text)).toThrow('unable to parse');
  });
});

describe('fieldSelector', () => {
  const allowed = ['metadata.name', 'spec.nodeName', 'spec.unschedulable', 'status.phase'];
  it.each([
    ['metadata.name=a', true],
    ['spec.nodeName!=n', false],
    ['status.phase!=Failed,metadata.name==a', true],
    ['status.phase=', true],
    ['spec.unschedulable=true', true],
  ])('%s', (text, expected) => {
    expect(fieldSelector(text, allowed)(object)).toBe(expected);
  });

  it.each(['spec.image=a', 'metadata.name'])('refuses %s', (text) => {
    expect(() => fieldSelector(text, allowed)).toThrow(/not supported|invalid/);
  });
});
