/**
 * Built by buildah where it is installed. No registry of images is asked: the base is made of this machine's
 * Node and npm, so that the image's own base is the one thing that is not tested. About src/cli/main.ts, Dockerfile, .dockerignore
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../support/folder.js';
import { fixture, root } from '../support/run.js';

const hasBuildah = process.getuid?.() === 0 && spawnSync('buildah', ['--version']).status === 0;
const BASE = 'localhost/duo-eval-test-base:1';
const IMAGE = 'localhost/duo-eval:test';

/** A root file system in which commands run, as far as this machine lets them, with a shell, Node, npm, and what they and the runtime are linked with. */
const BASE_SCRIPT = `set -e
container=$(buildah from scratch)
at=$(buildah mount $container)
mkdir -p $at/usr/bin $at/usr/local/bin $at/usr/lib64 $at/usr/lib/node_modules $at/tmp $at/etc/ssl/certs $at/root
for name in bin lib lib64; do ln -s usr/$name $at/$name; done
chmod 1777 $at/tmp
for name in sh env rm ln ls cat mkdir id uname node; do
  file=$(readlink -f $(command -v $name))
  cp $file $at/usr/bin/$name
  for library in $(ldd $file | grep -o '/[^ ]*'); do mkdir -p $at$(dirname $library); cp -nL $library $at$library; done
done
for library in $(ldd node_modules/onnxruntime-node/bin/*/linux/*/* 2>/dev/null | sed -n 's/.* => \\(.*\\) (.*/\\1/p' | grep -v onnxruntime); do
  mkdir -p $at$(dirname $library); cp -nL $library $at$library
done
npm=$(readlink -f $(command -v npm))
cp -r $(dirname $(dirname $npm)) $at/usr/lib/node_modules/npm
ln -s ../lib/node_modules/npm/bin/npm-cli.js $at/usr/bin/npm
if [ -e /etc/ssl/certs/ca-certificates.crt ]; then cp -L /etc/ssl/certs/ca-certificates.crt $at/etc/ssl/certs/; fi
echo 'root:x:0:0:root:/root:/bin/sh' > $at/etc/passwd
buildah umount $container
buildah config --env PATH=/usr/local/bin:/usr/bin $container
buildah run $container -- node --version
buildah run --user=1000 $container -- id -u
buildah commit --quiet $container ${BASE}
`;

describe.skipIf(!hasBuildah)('the image (needs buildah)', () => {
  const { root: folder } = temporaryFolder();
  const env = {
    ...process.env,
    ...{
      STORAGE_DRIVER: 'vfs',
      BUILDAH_ISOLATION: 'chroot',
      CONTAINERS_STORAGE_CONF: join(folder, 'storage.conf'),
    },
  };
  const call = (program: string, ...args: string[]) => {
    const { status, stdout, stderr } = spawnSync(program, args, { env, cwd: root, encoding: 'utf8' });
    return { status, stdout, output: `${stdout}${stderr}` };
  };
  const configuration = (name: string): string => {
    const path = call('npm', 'config', 'get', name).output.trim();
    return existsSync(path) ? readFileSync(path, 'utf8') : '';
  };
  let unfit: string | null = null;
  let container = '';
  const inImage = (...command: string[]) => call('buildah', 'run', container, '--', ...command);

  beforeAll(() => {
    const storage = `[storage]\ndriver = "vfs"\ngraphroot = "${folder}/images"\nrunroot = "${folder}/run"\n`;
    writeFileSync(join(folder, 'storage.conf'), storage);
    const base = call('sh', '-c', BASE_SCRIPT);
    if (base.status !== 0) {
      unfit = base.output.slice(-500);
      return;
    }
    // npm's own settings, and what it has loaded before: the image keeps neither.
    writeFileSync(join(folder, 'npmrc'), `${configuration('globalconfig')}\n${configuration('userconfig')}`);
    const cache = call('npm', 'config', 'get', 'cache').output.trim();
    mkdirSync(cache, { recursive: true });
    const built = call(
      'buildah',
      ...['build', '--pull-never', `--build-arg=BASE=${BASE}`, `--secret=id=npmrc,src=${folder}/npmrc`],
      ...[`--volume=${cache}:/root/.npm`, `--tag=${IMAGE}`, '.'],
    );
    expect(built.output).toContain(`Successfully tagged ${IMAGE}`);
    mkdirSync(join(folder, 'work'), { mode: 0o777 });
    spawnSync('chown', ['1000:1000', join(folder, 'work')]);
    container = spawnSync(
      'buildah',
      ['from', `--volume=${folder}/work:/work`, `--volume=${fixture('')}:/fixtures:ro`, IMAGE],
      {
        env,
        encoding: 'utf8',
      },
    ).stdout.trim();
  });
  beforeEach((context) => {
    if (unfit !== null) context.skip(`buildah cannot build on this machine: ${unfit}`);
  });

  it('says how it is run: by a number that is not root, with the command', () => {
    const { output } = call('buildah', 'inspect', '--type=image', IMAGE);
    const { config } = JSON.parse(output).OCIv1;
    expect(config).toMatchObject({ User: '1000:1000', Entrypoint: ['duo-eval'], WorkingDir: '/work' });
    expect(config.Env).toContain('DUO_EVAL_CACHE=/work/cache');
    expect(inImage('id', '-u').output.trim()).toBe('1000');
  });

  it('evaluates a model of the volume, and keeps its cache there', () => {
    const ran = inImage(
      'duo-eval',
      'ppl',
      '--model',
      '/fixtures/ar.onnx',
      '--dataset',
      'sotu',
      '--limit',
      '2',
      '--json',
      '--quiet',
    );
    expect(ran).toMatchObject({ status: 0 });
    expect(JSON.parse(ran.stdout).results[0].metrics.ppl.value).toBeGreaterThan(1);
    expect(existsSync(join(folder, 'work/cache/packed'))).toBe(true);
  });

  it('lists every command, from the manifest that was built with it', () => {
    expect(inImage('duo-eval', '--help').output).toContain('submit');
  });

  it('holds what it needs to run, for one platform, and no setting of who built it', () => {
    const listed = (path: string) => inImage('ls', '-A', path).output.trim().split(/\s+/);
    expect(listed('/app').sort()).toEqual([
      'LICENSE',
      'THIRD-PARTY-NOTICES.md',
      'bin',
      'dist',
      'node_modules',
      'oclif.manifest.json',
      'package-lock.json',
      'package.json',
      'schema',
      'tasks',
    ]);
    const runtime = '/app/node_modules/onnxruntime-node/bin';
    const [api] = listed(runtime);
    expect(listed(`${runtime}/${api}/${process.platform}`)).toEqual([process.arch]);
    for (const other of ['darwin', 'win32']) expect(listed(`${runtime}/${api}/${other}`)).toEqual(['']);
    for (const name of ['typescript', 'vitest', 'kubernetes-models'])
      expect(inImage('ls', `/app/node_modules/${name}`).status).not.toBe(0);
    expect(call('buildah', 'run', '--user=0', container, '--', 'ls', '/root/.npmrc').status).not.toBe(0);
  });
});
