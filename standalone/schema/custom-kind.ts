// The kinds that a CustomResourceDefinition defines.
import type { KindDefinition, PrinterColumn } from './kind.ts';
import type { StructuralSchema } from './structural-schema.ts';

/** apiextensions.k8s.io/v1, as far as it is read. */
export interface CustomKindSource {
  spec: {
    group: string;
    names: { kind: string; plural: string; singular?: string; shortNames?: readonly string[]; categories?: readonly string[] };
    scope: 'Namespaced' | 'Cluster';
    versions: readonly {
      name: string;
      served: boolean;
      schema: { openAPIV3Schema: unknown };
      subresources?: { status?: unknown };
      additionalPrinterColumns?: readonly PrinterColumn[];
      selectableFields?: readonly { jsonPath: string }[];
    }[];
  };
}

/** One definition per served version. */
export function customKinds({ spec }: CustomKindSource): KindDefinition[] {
  const { names } = spec;
  return spec.versions
    .filter(({ served }) => served)
    .map((version) => ({
      group: spec.group,
      version: version.name,
      kind: names.kind,
      plural: names.plural,
      singular: names.singular ?? names.kind.toLowerCase(),
      shortNames: names.shortNames ?? [],
      categories: names.categories ?? [],
      namespaced: spec.scope === 'Namespaced',
      schema: version.schema.openAPIV3Schema as StructuralSchema,
      statusSubresource: version.subresources?.status !== undefined,
      generation: true,
      printerColumns: version.additionalPrinterColumns ?? [],
      selectableFields: (version.selectableFields ?? []).map(({ jsonPath }) => jsonPath),
    }));
}
