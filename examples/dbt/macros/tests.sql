{#- Each row has a key, and no two have the same. -#}
{% test key(model, columns) %}
select {{ columns | join(', ') }}, count(*) as rows_with_it
from {{ model }}
group by {{ columns | join(', ') }}
having count(*) > 1{% for column in columns %} or {{ column }} is null{% endfor %}
{% endtest %}


{#- The same of a stream's tables, as far as they were loaded. -#}
{% test key_of_stream(model, stream, columns) %}
{%- set tables = onefile.tables(stream) -%}
{%- for table in tables %}
    {%- set names = [] -%}
    {%- for column in columns if column | lower in table.columns -%}
        {%- do names.append(adapter.quote(table.columns[column | lower].name)) -%}
    {%- endfor %}
select '{{ table.relation.schema }}' as schema_name, count(*) as rows_with_it
from {{ table.relation }}
    {%- if names %}
group by {{ names | join(', ') }}
having count(*) > 1{% for name in names %} or {{ name }} is null{% endfor %}
    {%- else %}
having 1 = 0
    {%- endif %}
{{ 'union all' if not loop.last }}
{%- endfor -%}
{%- if not tables %}
select '{{ stream }}' as stream where 1 = 0
{%- endif %}
{% endtest %}
