import { describe, expect, it } from 'vitest';
import { gateJunit } from '../../src/comparison/gate/junit.js';
import { noBrowser, openPage } from '../printing/browser.js';
import { record } from './hostile-gates.js';

describe('the JUnit file', () => {
  const text = gateJunit(record(3));
  it.skipIf(noBrowser)('is XML with the elements and attributes that readers of JUnit know', async () => {
    const { page, close } = await openPage('<!doctype html><title>x</title>');
    const tree = await page.evaluate((source: string) => {
      // Runs in the browser.
      const { DOMParser: Parser } = globalThis as unknown as {
        DOMParser: new () => { parseFromString(s: string, t: string): { documentElement: Node } };
      };
      type Node = {
        nodeName: string;
        attributes: Iterable<{ name: string; value: string }>;
        children: Iterable<Node>;
        textContent: string;
      };
      const walk = (node: Node): unknown => ({
        name: node.nodeName,
        attributes: Object.fromEntries([...node.attributes].map(({ name, value }) => [name, value])),
        children: [...node.children].map(walk),
      });
      return walk(new Parser().parseFromString(source, 'application/xml').documentElement as Node);
    }, text);
    await close();
    type Tree = { name: string; attributes: Record<string, string>; children: Tree[] };
    const allowed: Record<string, { attributes: string[]; children: string[] }> = {
      testsuites: { attributes: ['name', 'tests', 'failures', 'errors', 'time'], children: ['testsuite'] },
      testsuite: {
        attributes: ['name', 'tests', 'failures', 'errors', 'skipped', 'time'],
        children: ['testcase'],
      },
      testcase: { attributes: ['name', 'classname', 'time'], children: ['failure', 'error'] },
      failure: { attributes: ['type', 'message'], children: [] },
      error: { attributes: ['type', 'message'], children: [] },
    };
    const check = ({ name, attributes, children }: Tree): void => {
      expect(Object.keys(allowed)).toContain(name);
      expect(Object.keys(attributes).sort()).toEqual([...allowed[name].attributes].sort());
      for (const child of children) {
        expect(allowed[name].children).toContain(child.name);
        check(child);
      }
    };
    check(tree as Tree);
    const [suite] = (tree as Tree).children;
    expect(suite.children[0].attributes.name).toContain('a,b:c%d ::error::<&"\'>]]>0 on data 0');
  });
});
