/**
 * Leaves the process while the runtime is still computing. On exit, Node joins its worker threads and waits for native code
 * in them, however long that takes, and onnxruntime-node then aborts the process (SIGABRT). So while a call is in flight, an
 * exit handler ends the process through C's `exit` with the right status. Node's only way to that function is `proc_exit`
 * of its WebAssembly System Interface.
 */
import type { WASI } from 'node:wasi';
import type { DuoEvalError } from '../errors.js';

/**
 * (module (import "wasi_snapshot_preview1" "proc_exit" (func (param i32))) (memory (export "memory") 1)
 *   (func (export "_start") (call 0 (i32.const STATUS))))
 */
function exitProgram(status: number): Uint8Array<ArrayBuffer> {
  const text = (word: string) => [word.length, ...new TextEncoder().encode(word)];
  const section = (id: number, body: number[]) => [id, body.length, ...body];
  // STATUS < 256 as a signed LEB128 of two bytes.
  const constant = [0x41, (status & 0x7f) | 0x80, status >> 7];
  const code = [0, ...constant, 0x10, 0, 0x0b];
  return Uint8Array.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [2, 0x60, 1, 0x7f, 0, 0x60, 0, 0]),
    ...section(2, [1, ...text('wasi_snapshot_preview1'), ...text('proc_exit'), 0, 0]),
    ...section(3, [1, 1]),
    ...section(5, [1, 0, 1]),
    ...section(7, [2, ...text('memory'), 2, 0, ...text('_start'), 0, 1]),
    ...section(10, [1, code.length, ...code]),
  ]);
}

/** The part of WebAssembly used here; TypeScript declares its types in the browser libraries only. */
declare const WebAssembly: {
  Module: new (bytes: Uint8Array<ArrayBuffer>) => object;
  Instance: new (module: object, imports: object) => object;
};

function exitWithoutJoining(status: number): void {
  process.removeAllListeners('warning'); // node:wasi announces that it is experimental
  const { WASI: Wasi } = process.getBuiltinModule('node:wasi') as { WASI: typeof WASI };
  const wasi = new Wasi({ version: 'preview1', returnOnExit: false });
  const module = new WebAssembly.Module(exitProgram(status & 0xff));
  wasi.start(new WebAssembly.Instance(module, wasi.getImportObject()));
}

/** A waiter for native code. */
export interface NativeCaller {
  /** Stops waiting: the pending request fails with this reason. */
  abandon(reason: DuoEvalError): void;
}

const underWay = new Set<NativeCaller>();
let listening = false;

/** Stops waiting for calls that may never return: a graph's `Loop` can be infinite. */
export function abandonNativeCalls(reason: DuoEvalError): void {
  for (const caller of [...underWay]) caller.abandon(reason);
}

/** Marks the start of a call of the runtime. */
export function beginNativeCall(call: NativeCaller): void {
  underWay.add(call);
  if (listening) return;
  listening = true;
  // Node prints an uncaught error only after the exit handlers, and ours does not return.
  process.on('uncaughtExceptionMonitor', (error) => {
    if (underWay.size > 0 && process.listenerCount('uncaughtException') === 0) console.error(error);
  });
  process.on('exit', (status) => {
    if (underWay.size > 0) exitWithoutJoining(status);
  });
}

/** Marks its end. */
export function endNativeCall(call: NativeCaller): void {
  underWay.delete(call);
}
