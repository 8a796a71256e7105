{#- The tables of a stream that are there: one for each customer, with its columns by their names in lower case. -#}
{% macro tables(stream) %}
    {%- set found = [] -%}
    {%- if execute -%}
        {%- for customer, schema in onefile.schemas().items() -%}
            {%- set relation = adapter.get_relation(
                database=var('onefile_database', target.database), schema=schema, identifier=stream
            ) -%}
            {%- if relation -%}
                {%- set columns = {} -%}
                {%- for column in adapter.get_columns_in_relation(relation) -%}
                    {%- do columns.update({column.name | lower: column}) -%}
                {%- endfor -%}
                {%- do found.append({'customer': customer, 'relation': relation, 'columns': columns}) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(found) }}
{% endmacro %}


{% macro schemas() %}
    {{ return(var('onefile_schemas', {}) or {var('onefile_schema'): var('onefile_schema')}) }}
{% endmacro %}


{#- The condition that a stream, or a field of it, was loaded for the customer of a row: what was not loaded says nothing of
    anybody. -#}
{% macro is_loaded(stream, field='', customer='customer') %}
    {%- set customers = [] -%}
    {%- for table in onefile.tables(stream) if not field or field | lower in table.columns -%}
        {%- do customers.append(table.customer) -%}
    {%- endfor -%}
    {%- if customers -%}{{ customer }} in {{ onefile.literals(customers) }}{%- else -%}1 = 0{%- endif -%}
{% endmacro %}


{#- One stream, of all customers: names in snake_case, days in UK time, nulls for what is not set. A stream or a field that
    was not loaded is there with its type and without values, but special category fields are there only where they were. -#}
{% macro stage(stream, with_deleted=false) %}
    {%- do source('onefile', stream) -%}
    {%- set tables = onefile.tables(stream) -%}
    {%- set present = [] -%}
    {%- for table in tables -%}{%- do present.extend(table.columns) -%}{%- endfor -%}
    {%- set fields = [] -%}
    {%- for field in onefile.fields(stream) -%}
        {%- if not field.special or field.field | lower in present -%}{%- do fields.append(field) -%}{%- endif -%}
    {%- endfor -%}
    {%- do fields.append({'field': '_sdc_batched_at', 'as': 'loaded_at', 'kind': 'moment'}) -%}
    {%- do fields.append({'field': '_sdc_sync_started_at', 'as': 'run_started', 'kind': 'integer'}) -%}
    {%- if with_deleted -%}
        {%- do fields.append({'field': '_sdc_deleted_at', 'as': 'deleted_at', 'kind': 'moment'}) -%}
    {%- endif -%}
    {%- for table in tables or [{'customer': '', 'columns': {}}] %}
select
    cast('{{ dbt.escape_single_quotes(table.customer) }}' as {{ dbt.type_string() }}) as customer
        {%- for field in fields %},
    {{ onefile.converted(table.columns.get(field.field | lower), field.kind) }} as {{ field['as'] }}
        {%- endfor %}
        {%- if table.relation %}
from {{ table.relation }}
            {%- if '_sdc_deleted_at' in table.columns and not with_deleted %}
where _sdc_deleted_at is null
            {%- endif %}
        {%- else %}
where 1 = 0
        {%- endif %}
        {%- if not loop.last %}
union all
        {%- endif %}
    {%- endfor %}
{% endmacro %}


{% macro converted(column, kind) %}
    {%- if column is none or column is undefined -%}
        cast(null as {{ onefile.type_of(kind) }})
    {%- else -%}
        {%- set name, type = adapter.quote(column.name), column.data_type | lower -%}
        {%- if kind == 'text' -%}
            nullif(cast({{ name }} as {{ dbt.type_string() }}), '')
        {%- elif kind in ('integer', 'reference') -%}
            {%- set value = onefile.cast_text(name, dbt.type_bigint(), '^-?[0-9]{1,18}$', type) -%}
            {{ 'nullif(' ~ value ~ ', 0)' if kind == 'reference' else value }}
        {%- elif kind == 'number' -%}
            {{ onefile.cast_text(name, onefile.type_of('number'), '^-?[0-9]+([.][0-9]+)?$', type) }}
        {%- elif kind == 'flag' -%}
            {%- if 'bool' in type -%}{{ name }}{%- else -%}
            case lower(cast({{ name }} as {{ dbt.type_string() }}))
                when 'true' then true when '1' then true when 'false' then false when '0' then false
            end
            {%- endif -%}
        {%- else -%}
            {%- set value = onefile.moment(name, type) -%}
            {%- set is_set = value ~ " >= " ~ onefile.first_moment() -%}
            {%- if kind == 'moment' -%}
                case when {{ is_set }} then {{ value }} end
            {%- elif type == 'date' -%}
                case when {{ name }} > {{ onefile.day('1900-12-31') }} then {{ name }} end
            {%- else -%}
                case when {{ is_set }} then {{ onefile.uk_day(value) }} end
            {%- endif -%}
        {%- endif -%}
    {%- endif -%}
{% endmacro %}


{#- A value that a loader, or a pseudonym, has made a text of. -#}
{% macro cast_text(name, to, pattern, type) %}
    {%- if 'char' in type or 'text' in type or 'string' in type -%}
        case when {{ onefile.matches(name, pattern) }} then cast({{ name }} as {{ to }}) end
    {%- else -%}
        cast({{ name }} as {{ to }})
    {%- endif -%}
{% endmacro %}


{% macro moment(name, type) %}
    {%- if 'with time zone' in type or 'timestamptz' in type -%}
        {{ onefile.without_zone(name) }}
    {%- else -%}
        {{ onefile.cast_text(name, dbt.type_timestamp(), '^[0-9]{4}-[0-9]{2}-[0-9]{2}([T ]|$)', type) }}
    {%- endif -%}
{% endmacro %}


{#- Years up to 1900 stand for not set: 1900-01-01, and what other programs made of nothing. -#}
{% macro first_moment() %}cast('1901-01-01 00:00:00' as {{ dbt.type_timestamp() }}){% endmacro %}


{% macro type_of(kind) %}
    {{ return({
        'text': dbt.type_string(),
        'integer': dbt.type_bigint(),
        'reference': dbt.type_bigint(),
        'number': 'double precision',
        'flag': 'boolean',
        'day': 'date',
        'moment': dbt.type_timestamp(),
    }[kind]) }}
{% endmacro %}
