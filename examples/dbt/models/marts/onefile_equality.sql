{#- Each special category code with its meaning, as far as they were loaded: there are two lists of difficulties. -#}
{%- set staged = ref('stg_onefile_learners') -%}
{%- set lists = {
    'L12': ('l12', 'L12'), 'L13': ('l13', 'L13'), 'L14': ('l14', 'L14'), 'L15': ('l15', 'L15'), 'L16': ('l16', 'L16'),
    'PrimaryLLDDCode': ('primary_lldd_code', 'LLDDCat'),
} -%}
{%- set present = [] -%}
{%- for table in onefile.tables('learners') -%}{%- do present.extend(table.columns) -%}{%- endfor -%}
{%- for field, (column, list) in lists.items() %}
select
    learners.customer, learners.learner_id, learners.organisation, learners.status, learners.in_learning,
    '{{ field }}' as field,
    {%- if field | lower in present %}
    staged.{{ column }} as code, codes.meaning
from {{ ref('onefile_learners') }} as learners
inner join {{ staged }} as staged
    on learners.customer = staged.customer and learners.learner_id = staged.learner_id
left join {{ ref('onefile_codes') }} as codes on codes.list = '{{ list }}' and codes.code = staged.{{ column }}
where staged.{{ column }} is not null
    {%- else %}
    cast(null as {{ dbt.type_string() }}) as code, cast(null as {{ dbt.type_string() }}) as meaning
from {{ ref('onefile_learners') }} as learners
left join {{ ref('onefile_codes') }} as codes on 1 = 0
where 1 = 0
    {%- endif %}
{{ 'union all' if not loop.last }}
{%- endfor %}
