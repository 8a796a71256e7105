{%- set kinds = {
    'customer': 'text', 'misid': 'text', 'uln': 'text', 'email': 'text', 'name': 'text', 'date_of_birth': 'date',
    'started': 'date', 'planned_end': 'date', 'employer': 'text', 'status': 'text',
} -%}
{%- set relation = onefile.mis_relation() -%}
{%- set columns = {} -%}
{%- if relation and execute -%}
    {%- for column in adapter.get_columns_in_relation(relation) -%}
        {%- do columns.update({column.name | lower: column}) -%}
    {%- endfor -%}
    {%- if 'misid' not in columns -%}
        {{ exceptions.raise_compiler_error(
            "The table that the variable onefile_mis_learners names has no column misid. docs/dbt.md names its columns."
        ) }}
    {%- endif -%}
{%- endif -%}
with given as (
    select
    {%- for name, kind in kinds.items() %}
        {%- set type = dbt.type_string() if kind == 'text' else 'date' %}
        {%- if name in columns %}
        cast({{ adapter.quote(columns[name].name) }} as {{ type }}) as {{ name }}{{ ',' if not loop.last }}
        {%- else %}
        cast(null as {{ type }}) as {{ name }}{{ ',' if not loop.last }}
        {%- endif %}
    {%- endfor %}
    {%- if relation and execute %}
    from {{ relation }}
    {%- else %}
    where 1 = 0
    {%- endif %}
)

select
    row_number() over (order by misid, uln, email, name) as mis_row,
    *,
    upper({{ onefile.squeezed('misid') }}) as misid_key,
    {{ onefile.uln_key('uln') }} as uln_key,
    lower({{ onefile.squeezed('email') }}) as email_key
from given
