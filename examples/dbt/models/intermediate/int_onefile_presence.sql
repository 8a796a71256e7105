{#- Whom the last run did not find again: by the run that each row is of, or else by when it was loaded. -#}
with everyone as (
    {{ onefile.stage('learners', with_deleted=true) }}
),

runs as (
    select customer, max(run_started) as run_started, max(loaded_at) as loaded_at
    from everyone
    group by customer
),

organisation_runs as (
    select customer, max(run_started) as run_started, max(loaded_at) as loaded_at
    from {{ ref('stg_onefile_organisations') }}
    group by customer
),

judged as (
    select
        everyone.*,
        organisations.name as organisation,
        everyone.deleted_at is null and (
            everyone.run_started < runs.run_started
            or (runs.run_started is null and everyone.loaded_at < {{ dbt.dateadd('hour', -12, 'runs.loaded_at') }})
        ) as is_missing,
        -- Learners of organisations that the run left out cannot be judged.
        organisation_runs.customer is null or not (
            coalesce(organisations.run_started < organisation_runs.run_started, false)
            or coalesce(organisations.loaded_at < {{ dbt.dateadd('hour', -12, 'organisation_runs.loaded_at') }}, false)
        ) as was_looked_for
    from everyone
    inner join runs on everyone.customer = runs.customer
    left join organisation_runs on everyone.customer = organisation_runs.customer
    left join {{ ref('stg_onefile_organisations') }} as organisations
        on everyone.customer = organisations.customer and everyone.organisation_id = organisations.organisation_id
),

counted as (
    select
        customer,
        count(case when deleted_at is null and was_looked_for then 1 end) as looked_for,
        count(case when is_missing and was_looked_for then 1 end) as missing,
        count(loaded_at) as dated
    from judged
    group by customer
),

answers as (
    select
        *,
        case
            when dated = 0 then 'The tables do not say when each row was loaded: add_metadata_columns of the loader is off.'
            when missing > greatest(5, {{ var('onefile_gone_at_most') }} * looked_for / 100.0)
                then 'The last load was not a full one: it found '
                    || cast(looked_for - missing as {{ dbt.type_string() }}) || ' of '
                    || cast(looked_for as {{ dbt.type_string() }}) || ' learners again.'
        end as refusal
    from counted
)

select
    judged.customer,
    judged.learner_id,
    judged.first_name,
    judged.last_name,
    judged.misid,
    judged.organisation,
    judged.loaded_at,
    judged.deleted_at,
    answers.refusal,
    answers.refusal is null and coalesce(judged.is_missing, false) and judged.was_looked_for as is_gone
from judged
inner join answers on judged.customer = answers.customer
