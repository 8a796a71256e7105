{% macro day(text) -%}
    cast('{{ text }}' as date)
{%- endmacro %}


{% macro literals(texts) -%}
    ({% for text in texts %}'{{ dbt.escape_single_quotes(text) }}'{{ ', ' if not loop.last }}{% endfor %})
{%- endmacro %}


{#- Whether a name is among those of a variable, in any case. -#}
{% macro is_among(name, variable) -%}
    {%- set names = var(variable, []) | map('lower') | list -%}
    {%- if names -%}coalesce(lower(trim({{ name }})) in {{ onefile.literals(names) }}, false){%- else -%}false{%- endif -%}
{%- endmacro %}


{#- First and last name; null where neither is there. -#}
{% macro full_name(first, last) -%}
    nullif(trim(coalesce({{ first }}, '') || ' ' || coalesce({{ last }}, '')), '')
{%- endmacro %}


{% macro rounded(number, digits=1) -%}
    round(cast({{ number }} as numeric(28, 6)), {{ digits }})
{%- endmacro %}


{% macro days_between(first, second) -%}
    ({{ dbt.datediff(first, second, 'day') }})
{%- endmacro %}


{#- The share of the time from one day to another that has gone, from 0 to 1; null without both, or the wrong way round. -#}
{% macro share_gone(started, planned_end) -%}
    case when {{ started }} < {{ planned_end }} then
        least(1.0, greatest(0.0,
            1.0 * {{ onefile.days_between(started, onefile.today()) }} / {{ onefile.days_between(started, planned_end) }}
        ))
    end
{%- endmacro %}


{#- The funding year of a day, from 1 August to 31 July: 2024/25. -#}
{% macro funding_year(day) -%}
    {%- set first = 'extract(year from ' ~ day ~ ') - case when extract(month from ' ~ day ~ ') < 8 then 1 else 0 end' -%}
    case when {{ day }} is not null then
        cast(cast({{ first }} as integer) as {{ dbt.type_string() }})
        || '/' || right(cast(cast({{ first }} + 1 as integer) as {{ dbt.type_string() }}), 2)
    end
{%- endmacro %}


{#- The period of the ILR that a day is in: R01 is August, and R12 July. -#}
{% macro funding_period(day) -%}
    {%- set month = 'cast(extract(month from ' ~ day ~ ') as integer)' -%}
    case when {{ day }} is not null then
        'R' || right('0' || cast((({{ month }} + 4) % 12) + 1 as {{ dbt.type_string() }}), 2)
    end
{%- endmacro %}


{#- A ULN to match by: ten digits, and not the one that stands for none. -#}
{% macro uln_key(uln) -%}
    case
        when length({{ onefile.digits(uln) }}) = 10 and {{ onefile.digits(uln) }} <> '9999999999'
            then {{ onefile.digits(uln) }}
    end
{%- endmacro %}
