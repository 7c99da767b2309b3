/**
 * Checks as a JUnit XML file for continuous integration: one test case per limit. A broken limit is a failure; an undecided
 * one is an error, because it could not be judged.
 */
import { plainText } from '../../terminal-text.js';
import type { Check, GateRecord } from './checks.js';
import { checkText, placeText } from './sentences.js';

export function gateJunit(record: GateRecord, suite = 'duo-eval gate'): string {
  const { checks, failed, undecided } = record;
  const counts = `tests="${checks.length}" failures="${failed}" errors="${undecided}" time="0"`;
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="${escapeXml(suite)}" ${counts}>`,
    `  <testsuite name="${escapeXml(suite)}" ${counts} skipped="0">`,
    ...checks.map(testCase),
    '  </testsuite>',
    '</testsuites>',
    '',
  ].join('\n');
}

function testCase(check: Check): string {
  const { gate, metric, limit, verdict } = check;
  const name = `${gate}: ${placeText(check)}, ${metric} ${limit}`;
  const open = `    <testcase name="${escapeXml(name)}" classname="${escapeXml(`gate.${check.eval}`)}" time="0"`;
  if (verdict === 'pass') return `${open}/>`;
  const element = verdict === 'fail' ? 'failure' : 'error';
  const text = escapeXml(checkText(check));
  return `${open}><${element} type="${verdict}" message="${text}">${text}</${element}></testcase>`;
}

/** Escapes text for XML 1.0; `plainText` has already removed the characters that XML forbids. */
function escapeXml(text: string): string {
  return plainText(text)
    .replace(/[\ufffe\uffff]/g, '')
    .replace(/[<>&"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
