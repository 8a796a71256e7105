{%- for customer in onefile.schemas() %}
    {%- set outer = loop %}
    {%- for stream in onefile.streams() %}
        {%- do source('onefile', stream) %}
        {%- set table = onefile.tables(stream) | selectattr('customer', 'equalto', customer) | list | first %}
        {%- set dated = table and '_sdc_batched_at' in table.columns %}
select
    cast('{{ dbt.escape_single_quotes(customer) }}' as {{ dbt.type_string() }}) as customer,
    cast('{{ stream }}' as {{ dbt.type_string() }}) as stream,
    {{ 'true' if table else 'false' }} as is_loaded,
    {{ 'count(*)' if table else 'cast(null as ' ~ dbt.type_bigint() ~ ')' }} as records,
    {{ 'max(' ~ onefile.moment('_sdc_batched_at', table.columns['_sdc_batched_at'].data_type | lower) ~ ')' if dated
        else 'cast(null as ' ~ dbt.type_timestamp() ~ ')' }} as loaded_at
        {%- if table %}
from {{ table.relation }}
            {%- if '_sdc_deleted_at' in table.columns %}
where _sdc_deleted_at is null
            {%- endif %}
        {%- endif %}
        {%- if not (loop.last and outer.last) %}
union all
        {%- endif %}
    {%- endfor %}
{%- endfor %}
