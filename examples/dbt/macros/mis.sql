{#- The relation that the variable onefile_mis_learners names: a model or seed of the project, or schema.table. -#}
{% macro mis_relation() %}
    {%- set name = var('onefile_mis_learners', '') -%}
    {%- if not name -%}{{ return(none) }}{%- endif -%}
    {%- if '.' not in name -%}{{ return(ref(name)) }}{%- endif -%}
    {%- if not execute -%}{{ return(none) }}{%- endif -%}
    {%- set parts = name.split('.') -%}
    {%- set relation = adapter.get_relation(
        database=parts[-3] if parts | length > 2 else target.database, schema=parts[-2], identifier=parts[-1]
    ) -%}
    {%- if not relation -%}
        {{ exceptions.raise_compiler_error(
            "The variable onefile_mis_learners names " ~ name ~ ", and there is no such table. "
            ~ "Load it first, or leave the variable empty."
        ) }}
    {%- endif -%}
    {{ return(relation) }}
{% endmacro %}
