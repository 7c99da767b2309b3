/** About src/ */
import { basename } from 'node:path';
import { describe, expect, it } from 'vitest';
import { filesUnder, read } from './source-files.js';

/**
 * Exports that only tests import, and why each is not private: tests hold them to an oracle of their own. What else only
 * tests need belongs under test/.
 */
const FOR_TESTS: Readonly<Record<string, string>> = {
  'src/cli/root-help.ts COMMAND_GROUPS': 'every command is in a group',
  'src/comparison/gate/github.ts summaryWithin': 'a limit of GitHub that no small gate reaches',
  'src/history/exports.ts crc32c': 'vectors of its standard',
  'src/datasets/hub/download.ts partialPath': 'an interrupted download is staged',
  'src/datasets/hub/listing.ts safePath': 'hostile paths',
  'src/datasets/parquet/decompress.ts checkZstdFrame': 'frames that are wrong on purpose',
  'src/datasets/python-text.ts SPACE': 'compared with the list of Unicode',
  'src/diffusion/fitted-coefficient.ts priorCoefficient': 'its closed form',
  'src/diffusion/heads/inverse-cdf.ts blockSize': 'vocabularies around one block',
  'src/evals/calibration/run.ts checksOf': 'a checkpoint that is wrong on purpose fails its checks',
  'src/evals/calibration/sources.ts unevenTokens': 'its closed form',
  'src/evals/frontier/interpolation.ts interpolate': 'points that are wrong or alike on purpose',
  'src/evals/generation/diversity.ts compressionRatio': 'compared with zlib',
  'src/evals/generation/pairing.ts whyNotPaired': 'a sentence for each reason',
  'src/evals/suite/redis/worker.ts nextModel': 'the order of units, without a Redis',
  'src/evals/throughput/decode-order.ts kendallTau': 'compared with pairs counted by hand',
  'src/evals/throughput/installations.ts builtDigest': 'builds that differ in one byte',
  'src/graph/operators.ts ConstantOfShape': 'graphs made in tests',
  'src/models/card.ts CARD_KEYS': 'documentation and schema list the same keys',
  'src/models/card.ts parseCard': 'cards that need no file',
  'src/random/normals.ts logOfShare': 'its relative precision',
  'src/random/philox.ts philox4x32': 'published test vectors',
  'src/report/csv.ts REPORT_CSV_HEADER': 'documentation lists the same columns',
  'src/samplers/psi-schedule.ts roundHalfToEven': 'compared with the reference',
  'src/statistics/jensen-shannon.ts jensenShannon': 'compared with its definition',
  'src/statistics/normal.ts erfc': 'its relative precision',
  'src/statistics/normal.ts normalDistribution': 'its relative precision',
  'src/strict-yaml.ts parseYaml': 'texts that need no file',
  'src/training/distillation/feeds.ts UNIFORMS_PER_TOKEN': 'the distribution of the pairs',
  'src/training/distillation/feeds.ts noisePair': 'the distribution of the pairs',
  'src/training/distillation/objective.ts klDivergence': 'its closed form',
};

const VALUE = /^export (?:async )?(?:abstract )?(?:function\*?|class|const|let|enum) (\w+)/gm;
const TYPE = /^export (?:interface|type) (\w+)/gm;
const LIST = /^export (?:type )?\{([^}]*)\}/gm;

const sources = filesUnder('src');
const text = new Map(
  [
    ...sources,
    ...filesUnder('test'),
    ...['bench', 'scripts', 'fuzz'].flatMap((folder) => filesUnder(folder, '.mjs')),
    ...filesUnder('bin', '.js'),
  ].map((path) => [path, read(path)]),
);

/** What other programs import: the files that `exports` of package.json names. */
const doors = [
  ...read('package.json').matchAll(/"\.\/dist\/([\w/]+)\.d\.ts"/g), //
].map(([, path]) => `src/${path}.ts`);

const namesIn = (path: string, pattern: RegExp) =>
  [...text.get(path)!.matchAll(pattern)].map(([, name]) => name);
const passedOn = (path: string) =>
  namesIn(path, LIST).flatMap((list) =>
    list
      .split(',')
      .map((one) => one.trim().split(/\s+/).at(-1)!)
      .filter(Boolean),
  );

/** Files other than its own that import from the file (by its name) and mention the export. */
function users(path: string, name: string): string[] {
  const file = `/${basename(path, '.ts')}.js'`;
  const word = new RegExp(`\\b${name}\\b`);
  return [...text].flatMap(([other, content]) =>
    other !== path && content.includes(file) && word.test(content) ? [other] : [],
  );
}

describe('exports', () => {
  const values = sources.flatMap((path) =>
    [...namesIn(path, VALUE), ...passedOn(path)].map((name) => ({ path, name, users: users(path, name) })),
  );

  it('of functions, classes and constants are imported by the program, a bench, a script or a fuzzer', () => {
    expect(values.length).toBeGreaterThan(sources.length);
    expect(doors).toEqual(['src/index.ts', 'src/library/evaluation.ts']);
    const own = values.filter(({ path }) => !doors.includes(path));
    const unused = own.filter(({ users }) => users.every((user) => user.startsWith('test/')));
    const found = unused.map(({ path, name }) => `${path} ${name}`);
    expect(found.sort()).toEqual(Object.keys(FOR_TESTS).sort());
  });

  it('that only tests import have tests that do', () => {
    const idle = Object.keys(FOR_TESTS).filter((entry) => {
      const [path, name] = entry.split(' ');
      return users(path, name).length === 0;
    });
    expect(idle).toEqual([]);
  });

  it('of types are mentioned again, in their own file or in another', () => {
    const unused = sources.flatMap((path) =>
      namesIn(path, TYPE)
        .filter((name) => text.get(path)!.match(new RegExp(`\\b${name}\\b`, 'g'))!.length < 2)
        .filter((name) => users(path, name).length === 0)
        .map((name) => `${path} ${name}`),
    );
    // Observer: the rooms are on their way to it.
    expect(unused.filter((one) => one !== 'src/observer.ts Observer')).toEqual([]);
  });
});
