import type { Graph } from './graph.js';
import {
  type AttributeProto,
  AttributeProtoSchema,
  create,
  AttributeProto_AttributeType as Kind,
} from './onnx.js';

/** An attribute's value. Whole numbers are INT and lists of them INTS; wrap with `float` what must be FLOAT. */
export type Attribute = number | string | readonly number[] | { float: number } | Graph;

/** Marks a number as FLOAT even when it is whole. */
export const float = (value: number): { float: number } => ({ float: value });

export function attributeProto(name: string, value: Attribute): AttributeProto {
  if (typeof value === 'number')
    return create(AttributeProtoSchema, { name, type: Kind.INT, i: BigInt(value) });
  if (typeof value === 'string') {
    return create(AttributeProtoSchema, { name, type: Kind.STRING, s: new TextEncoder().encode(value) });
  }
  if ('float' in value) return create(AttributeProtoSchema, { name, type: Kind.FLOAT, f: value.float });
  if ('proto' in value) return create(AttributeProtoSchema, { name, type: Kind.GRAPH, g: value.proto });
  return create(AttributeProtoSchema, { name, type: Kind.INTS, ints: value.map(BigInt) });
}
