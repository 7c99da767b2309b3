import { type DType, dtypeCode, dtypeName } from './dtype.js';
import {
  create,
  TensorShapeProto_DimensionSchema,
  TensorShapeProtoSchema,
  TypeProto_TensorSchema,
  TypeProtoSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from './onnx.js';

/** Lengths of the axes: a number where fixed, a name where it may vary from call to call. */
export type Shape = readonly (number | string)[];

/** @param shape null leaves the rank open */
export function valueInfo(name: string, dtype: DType, shape: Shape | null): ValueInfoProto {
  const dim = (size: number | string) =>
    create(TensorShapeProto_DimensionSchema, {
      value:
        typeof size === 'number'
          ? { case: 'dimValue', value: BigInt(size) }
          : { case: 'dimParam', value: size },
    });
  return create(ValueInfoProtoSchema, {
    name,
    type: create(TypeProtoSchema, {
      value: {
        case: 'tensorType',
        value: create(TypeProto_TensorSchema, {
          elemType: dtypeCode(dtype),
          shape: shape ? create(TensorShapeProtoSchema, { dim: shape.map(dim) }) : undefined,
        }),
      },
    }),
  });
}

/** What a declared input or output says of itself; null for what it leaves open. Unnamed axes are called `?`. */
export function readValueInfo(info: ValueInfoProto): {
  name: string;
  dtype: DType | null;
  shape: Shape | null;
} {
  const tensor = info.type?.value.case === 'tensorType' ? info.type.value.value : null;
  const shape = tensor?.shape?.dim.map(({ value }) =>
    value.case === 'dimValue'
      ? Number(value.value)
      : value.case === 'dimParam' && value.value
        ? value.value
        : '?',
  );
  return { name: info.name, dtype: tensor ? dtypeName(tensor.elemType) : null, shape: shape ?? null };
}
