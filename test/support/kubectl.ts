/**
 * In place of kubectl and a cluster: a program that keeps what it is told to create, answers with lists in the form of the API, and notes its
 * arguments. It starts no pods; tests say how the jobs stand. No real cluster is behind any of these tests.
 */
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { temporaryFolder } from './folder.js';

export interface FakeCluster {
  /** For PATH: finds this kubectl first. */
  env: { PATH: string };
  /** Its calls so far, without the options of cluster and namespace. */
  calls(): string[][];
  objects(): KubernetesObject[];
  /** Gives the job with this name a status. */
  setStatus(name: string, status: object): void;
  setPods(pods: readonly object[]): void;
  /** The next call of this verb fails, and says this. */
  fail(verb: string, message: string): void;
}

export interface KubernetesObject {
  kind: string;
  metadata: { name: string; namespace?: string };
  spec?: { suspend?: boolean; template: { spec: { containers: Container[] } } };
  status?: object;
  data?: Record<string, string>;
}
interface Container {
  command: string[];
  args: string[];
  env: { name: string; value: string }[];
}

interface State {
  calls: string[][];
  objects: KubernetesObject[];
  pods: readonly object[];
  failures: Record<string, string>;
}

const YAML = fileURLToPath(import.meta.resolve('yaml'));

const program = (state: string) => `#!${process.execPath}
const { readFileSync, writeFileSync } = require('node:fs');
const state = JSON.parse(readFileSync(${JSON.stringify(state)}, 'utf8'));
const args = process.argv.slice(2);
state.calls.push(args);
const words = args.filter((arg) => !/^--(context|namespace)=/.test(arg));
const option = (name) => words.find((word) => word.startsWith('--' + name + '='))?.slice(name.length + 3);
const keep = () => writeFileSync(${JSON.stringify(state)}, JSON.stringify(state));
const [verb, what] = words;
const failure = state.failures[verb];
if (failure !== undefined) {
  delete state.failures[verb];
  keep();
  console.error(failure);
  process.exit(1);
}
const list = (items) => console.log(JSON.stringify({ apiVersion: 'v1', kind: 'List', items, metadata: { resourceVersion: '' } }));
if (verb === 'config') console.log('test-cluster');
else if (verb === 'create') {
  const { parseAllDocuments } = require(${JSON.stringify(YAML)});
  const read = parseAllDocuments(readFileSync(option('filename'), 'utf8')).map((one) => one.toJS());
  const twice = read.find(({ kind, metadata }) => state.objects.some((one) => one.kind === kind && one.metadata.name === metadata.name));
  if (twice) {
    console.error('Error from server (AlreadyExists): jobs.batch "' + twice.metadata.name + '" already exists');
    process.exitCode = 1;
  } else if (option('dry-run') === undefined) state.objects.push(...read);
} else if (verb === 'get' && what === 'jobs') list(state.objects.filter(({ kind }) => kind === 'Job'));
else if (verb === 'get' && what === 'pods') list(state.pods);
else if (verb === 'patch') Object.assign(state.objects.find((one) => one.kind === 'Job' && one.metadata.name === words[2]).spec, JSON.parse(option('patch')).spec);
else if (verb === 'logs') console.log('cells-missing: 1 of 4 cells are not finished');
else if (verb === 'delete') state.objects = [];
else throw new Error('This kubectl does not know ' + args.join(' '));
keep();
`;

export function fakeCluster(): FakeCluster {
  const { root } = temporaryFolder();
  const [state, path] = [join(root, 'state.json'), join(root, 'kubectl')];
  const read = (): State => JSON.parse(readFileSync(state, 'utf8'));
  const change = (edit: (now: State) => void) => {
    const now = read();
    edit(now);
    writeFileSync(state, JSON.stringify(now));
  };
  writeFileSync(state, JSON.stringify({ calls: [], objects: [], pods: [], failures: {} } satisfies State));
  writeFileSync(path, program(state));
  chmodSync(path, 0o755);
  return {
    env: { PATH: `${root}:${process.env.PATH}` },
    calls: () => read().calls,
    objects: () => read().objects,
    setStatus: (name, status) =>
      change(({ objects }) => {
        const job = objects.find(({ kind, metadata }) => kind === 'Job' && metadata.name === name);
        if (!job) throw new Error(`There is no job ${name}.`);
        job.status = status;
      }),
    setPods: (pods) =>
      change((now) => {
        now.pods = pods;
      }),
    fail: (verb, message) =>
      change(({ failures }) => {
        failures[verb] = message;
      }),
  };
}
