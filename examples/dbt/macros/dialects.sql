{#- What PostgreSQL and DuckDB do not say alike; a project can add `snowflake__uk_day` and so on. -#}

{#- The day in the United Kingdom at a moment in UTC. -#}
{% macro uk_day(moment) %}{{ return(adapter.dispatch('uk_day', 'onefile')(moment)) }}{% endmacro %}
{% macro default__uk_day(moment) -%}
    cast(({{ moment }}) at time zone 'UTC' at time zone 'Europe/London' as date)
{%- endmacro %}


{% macro without_zone(moment) %}{{ return(adapter.dispatch('without_zone', 'onefile')(moment)) }}{% endmacro %}
{% macro default__without_zone(moment) -%}
    ({{ moment }} at time zone 'UTC')
{%- endmacro %}


{#- Today in the United Kingdom, or the day in the variable. -#}
{% macro today() %}
    {%- if var('onefile_today', '') -%}{{ onefile.day(var('onefile_today')) }}
    {%- else -%}{{ return(adapter.dispatch('uk_today', 'onefile')()) }}{%- endif -%}
{% endmacro %}
{% macro default__uk_today() -%}
    cast(current_timestamp at time zone 'Europe/London' as date)
{%- endmacro %}


{% macro matches(text, pattern) %}{{ return(adapter.dispatch('matches', 'onefile')(text, pattern)) }}{% endmacro %}
{% macro default__matches(text, pattern) -%}
    {{ text }} ~ '{{ pattern }}'
{%- endmacro %}
{% macro duckdb__matches(text, pattern) -%}
    regexp_matches({{ text }}, '{{ pattern }}')
{%- endmacro %}


{#- Without any space in it, or null. -#}
{% macro squeezed(text) %}{{ return(adapter.dispatch('squeezed', 'onefile')(text)) }}{% endmacro %}
{% macro default__squeezed(text) -%}
    nullif(replace(regexp_replace({{ text }}, '[[:space:]]', '', 'g'), chr(160), ''), '')
{%- endmacro %}


{% macro digits(text) %}{{ return(adapter.dispatch('digits', 'onefile')(text)) }}{% endmacro %}
{% macro default__digits(text) -%}
    regexp_replace({{ text }}, '[^0-9]', '', 'g')
{%- endmacro %}


{#- The absolute number of minutes between two moments, rounded. -#}
{% macro minutes_between(first, second) %}
    {{- return(adapter.dispatch('minutes_between', 'onefile')(first, second)) -}}
{% endmacro %}
{% macro default__minutes_between(first, second) -%}
    cast(round(abs(extract(epoch from {{ second }}) - extract(epoch from {{ first }})) / 60) as integer)
{%- endmacro %}
