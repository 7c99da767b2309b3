/** A node's attributes by name; callers pass ONNX's defaults. */
import type { NodeProto } from '../onnx.js';

export class NodeReader {
  constructor(readonly proto: NodeProto) {}

  /** The operator, with its domain unless that is ONNX's own. */
  get operator(): string {
    const { domain, opType } = this.proto;
    return domain === '' || domain === 'ai.onnx' ? opType : `${domain}.${opType}`;
  }

  int(name: string, otherwise: number): number {
    const found = this.find(name);
    return found ? Number(found.i) : otherwise;
  }

  float(name: string, otherwise: number): number {
    return this.find(name)?.f ?? otherwise;
  }

  text(name: string, otherwise: string): string {
    const found = this.find(name);
    return found ? new TextDecoder().decode(found.s) : otherwise;
  }

  ints(name: string): number[] | null {
    return this.find(name)?.ints.map(Number) ?? null;
  }

  private find(name: string) {
    return this.proto.attribute.find((attribute) => attribute.name === name);
  }
}
