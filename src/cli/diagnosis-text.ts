/** The findings of `doctor` as text: one per line, marked ok, no (absent, and not needed) or bad. */
import type { MachineReport } from '../models/machine.js';
import type { ProviderReport } from '../models/provider.js';
import type { FolderReport } from '../storage/folder-check.js';
import { paint, plainText, type Style, wrap } from './terminal.js';

export interface Diagnosis {
  schemaVersion: 1;
  versions: { tool: string; node: string; onnxruntime: string };
  machine: MachineReport;
  folders: (FolderReport & { name: string; variable: string })[];
  embedded: { name: string; problem: string | null }[];
  littleDisk: boolean;
}

type Mark = 'ok' | 'no' | 'bad';
const STYLES: Record<Mark, Style> = { ok: 'green', no: 'dim', bad: 'red' };

interface Finding {
  mark: Mark;
  name: string;
  text: string;
}

export function diagnosisText(
  diagnosis: Diagnosis,
  { width, color }: { width: number; color: boolean },
): string {
  const { versions, machine, folders, embedded, littleDisk } = diagnosis;
  const cpu = machine.providers.find(({ provider }) => provider === 'cpu');
  const findings: Finding[] = [
    {
      mark: 'ok',
      name: 'versions',
      text: `${versions.tool}, Node ${versions.node}, onnxruntime ${versions.onnxruntime}`,
    },
    { mark: 'ok', name: 'machine', text: `${machine.platform}, ${machine.cores} cores, ${machine.cpu}` },
    {
      mark: 'ok',
      name: 'memory',
      text: `${gigabytes(machine.memory)}, of which ${gigabytes(machine.freeMemory)} are unused`,
    },
    ...machine.providers.map((report) => providerFinding(report, cpu)),
    ...folders.map((folder) => folderFinding(folder, littleDisk && folder.name === 'cache')),
    ...embedded.map(
      ({ name, problem }): Finding => ({
        mark: problem === null ? 'ok' : 'bad',
        name,
        text: problem ?? 'embedded text, complete',
      }),
    ),
  ];
  const widest = Math.max(...findings.map(({ name }) => name.length));
  const lead = ' '.repeat(5 + widest + 2);
  return findings
    .flatMap(({ mark, name, text }) => {
      const start = `${paint(mark.padEnd(5), STYLES[mark], color)}${name.padEnd(widest + 2)}`;
      return wrap(plainText(text), width - lead.length).map((line, i) => (i === 0 ? start : lead) + line);
    })
    .join('\n');
}

function providerFinding(report: ProviderReport, cpu: ProviderReport | undefined): Finding {
  const name = report.provider;
  if (!report.works) {
    const mark = name === 'cpu' ? 'bad' : 'no';
    return { mark, name, text: `does not work: ${report.reason} ${report.remedy}` };
  }
  const slower =
    cpu?.works && report.seconds > cpu.seconds ? ', slower than the cpu (a driver in software?)' : '';
  return { mark: 'ok', name, text: `works; a matrix product takes ${milliseconds(report.seconds)}${slower}` };
}

function folderFinding(folder: Diagnosis['folders'][number], little: boolean): Finding {
  const { name, path, variable, writable, freeBytes, reason } = folder;
  const remedy = `Set ${variable} to a folder that can be written to and has room.`;
  if (!writable) return { mark: 'bad', name, text: `${path} cannot be written to (${reason}). ${remedy}` };
  const room = freeBytes === null ? '' : `, ${gigabytes(freeBytes)} free`;
  return little
    ? { mark: 'bad', name, text: `${path}${room}, which may not do for a large evaluation. ${remedy}` }
    : { mark: 'ok', name, text: `${path}${room}` };
}

const gigabytes = (size: number): string => `${(size / 1e9).toPrecision(3)} GB`;
const milliseconds = (seconds: number): string =>
  seconds < 1 ? `${(seconds * 1000).toPrecision(2)} ms` : `${seconds.toPrecision(2)} s`;
